using System.Threading.RateLimiting;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api;

/// <summary>
/// The search server as this API asks it: only so many searches at once, each answer only so large, and few of the large ones in memory, so
/// that memory is bounded whatever callers do (invariant 5). Safe for many threads.
/// </summary>
internal sealed class SearchCluster : IDisposable
{
    /// <summary>The largest answer that is taken, in bytes.</summary>
    public const int MostBytes = 16 << 20;

    private const int MostAtOnce = 64;
    private const int MostWaiting = 2000;
    private const int UsualBytes = 64 << 10;

    // 64 answers of 1 MiB and 8 of 16 MiB, in arrays of up to twice that, are some 350 MiB at the worst.
    private const int LargeBytes = 1 << 20;
    private const int MostLarge = 8;

    private readonly ConcurrencyLimiter _turns = new(new ConcurrencyLimiterOptions { PermitLimit = MostAtOnce, QueueLimit = MostWaiting });
    private readonly ConcurrencyLimiter _largeTurns = new(new ConcurrencyLimiterOptions { PermitLimit = MostLarge, QueueLimit = MostAtOnce });
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
        RateLimitLease? largeTurn = null;
        try
        {
            if (!turn.IsAcquired) throw ApiErrors.Busy.Error($"{MostAtOnce + MostWaiting} requests are waiting already.", retryAfter: TimeSpan.FromSeconds(1));

            // Whoever has a large turn waits for nothing else, so that all get theirs in the end.
            var room = new AnswerRoom(LargeBytes, async token => largeTurn = await _largeTurns.AcquireAsync(1, token).ConfigureAwait(false));
            var answer = await _client.FetchAsync(method, path, body, UsualBytes, MostBytes, ct, room).ConfigureAwait(false);
            if (!answer.CutOff) return new ClusterAnswer(answer, turn, largeTurn);
            answer.Dispose();
            throw ApiErrors.PageTooLarge.Error($"The documents of this page are larger than {MostBytes >> 20} MiB together.");
        }
        catch
        {
            turn.Dispose();
            largeTurn?.Dispose();
            throw;
        }
    }

    /// <summary>Which server it is.</summary>
    public Task<ServerInfo> IdentifyAsync(CancellationToken ct) => ServerInfo.AskAsync(_client, ct);

    public void Dispose()
    {
        _turns.Dispose();
        _largeTurns.Dispose();
        _client.Dispose();
    }
}

/// <summary>An answer, and the place that it takes.</summary>
internal sealed class ClusterAnswer(AnswerBuffer buffer, RateLimitLease turn, RateLimitLease? largeTurn) : IDisposable
{
    /// <summary>The answer's bytes; good until this is disposed of.</summary>
    public ReadOnlyMemory<byte> Json => buffer.Written;

    public void Dispose()
    {
        buffer.Dispose();
        turn.Dispose();
        largeTurn?.Dispose();
    }
}
