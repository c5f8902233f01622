using System.Threading.RateLimiting;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api;

/// <summary>
/// The search server as this API asks it: only so many searches at once, each answer only so large, so that memory is bounded whatever
/// callers do (invariant 5). Safe for many threads.
/// </summary>
internal sealed class SearchCluster : IDisposable
{
    /// <summary>The largest answer that is taken, in bytes.</summary>
    public const int MostBytes = 16 << 20;

    private const int MostAtOnce = 64;
    private const int MostWaiting = 2000;
    private const int UsualBytes = 64 << 10;

    private readonly ConcurrencyLimiter _turns = new(new ConcurrencyLimiterOptions { PermitLimit = MostAtOnce, QueueLimit = MostWaiting });
    private readonly ElasticsearchClient _client;

    /// <param name="options">How it is reached.</param>
    /// <param name="time">The clock.</param>
    public SearchCluster(ElasticsearchOptions options, TimeProvider time) => _client = new ElasticsearchClient(options, time);

    /// <summary>The address as a person may see it.</summary>
    public string Name => _client.Name;

    /// <summary>Asks, and receives the whole answer. Dispose it as soon as it is used: others wait for its place.</summary>
    /// <exception cref="PipelineException">There was no answer, one that says no, or one that is too large.</exception>
    public async Task<ClusterAnswer> AskAsync(HttpMethod method, string path, byte[]? body, CancellationToken ct)
    {
        var turn = await _turns.AcquireAsync(1, ct).ConfigureAwait(false);
        try
        {
            if (!turn.IsAcquired) throw ApiErrors.Busy.Error($"{MostAtOnce + MostWaiting} requests are waiting already.", retryAfter: TimeSpan.FromSeconds(1));
            var answer = await _client.FetchAsync(method, path, body, UsualBytes, MostBytes, ct).ConfigureAwait(false);
            if (!answer.CutOff) return new ClusterAnswer(answer, turn);
            answer.Dispose();
            throw ApiErrors.PageTooLarge.Error($"The documents of this page are larger than {MostBytes >> 20} MiB together.");
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    /// <summary>Which server it is.</summary>
    public Task<ServerInfo> IdentifyAsync(CancellationToken ct) => ServerInfo.AskAsync(_client, ct);

    public void Dispose()
    {
        _turns.Dispose();
        _client.Dispose();
    }
}

/// <summary>An answer, and the place that it takes.</summary>
internal sealed class ClusterAnswer(AnswerBuffer buffer, RateLimitLease turn) : IDisposable
{
    /// <summary>The answer's bytes; good until this is disposed of.</summary>
    public ReadOnlyMemory<byte> Json => buffer.Written;

    public void Dispose()
    {
        buffer.Dispose();
        turn.Dispose();
    }
}
