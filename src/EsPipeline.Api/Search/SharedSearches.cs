using System.Text;

namespace EsPipeline.Api.Search;

/// <summary>Searches that several ask for at once are made once, after the last of them has asked; each writes its own answer of what was found.</summary>
internal sealed class SharedSearches(SearchCluster cluster, TimeProvider time)
{
    /// <summary>How long a search waits for the same one that is under way; a slow one is not waited for and then done again.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly SingleFlight<FoundDocuments> _flights = new(Patience, time);

    /// <summary>Searches.</summary>
    /// <param name="path">Where.</param>
    /// <param name="search">What.</param>
    /// <param name="use">What is done with the documents; their bytes are good until it returns.</param>
    /// <param name="ct">Ends the waiting.</param>
    public Task AskAsync(string path, byte[] search, Func<SearchAnswer, Task> use, CancellationToken ct) => _flights.JoinAsync(
        $"{path}\n{Encoding.UTF8.GetString(search)}",
        async token => FoundDocuments.Read(await cluster.AskAsync(HttpMethod.Post, path, search, token).ConfigureAwait(false)),
        found => use(found.Answer),
        ct);

    private sealed class FoundDocuments(ClusterAnswer bytes, SearchAnswer answer) : IDisposable
    {
        public SearchAnswer Answer { get; } = answer;

        public static FoundDocuments Read(ClusterAnswer bytes)
        {
            try
            {
                return new FoundDocuments(bytes, SearchAnswer.Read(bytes.Json));
            }
            catch
            {
                bytes.Dispose();
                throw;
            }
        }

        public void Dispose() => bytes.Dispose();
    }
}
