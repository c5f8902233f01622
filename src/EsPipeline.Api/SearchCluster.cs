using System.Threading.RateLimiting;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api;

/// <summary>
/// The search server as this API asks it: only so many searches at once, each answer only so large, and few of the large ones in memory, so
/// that memory is bounded whatever callers do (invariant 5); and of both no caller has more than a quarter, since one who reads slowly keeps
/// what he has. Safe for many threads.
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
    private readonly PartitionedRateLimiter<string> _shares = SharesOf(MostAtOnce / 4, MostWaiting);
    private readonly PartitionedRateLimiter<string> _largeShares = SharesOf(MostLarge / 4, MostAtOnce);
    private readonly ElasticsearchClient _client;
    private readonly CurrentCaller? _caller;

    /// <param name="options">How it is reached.</param>
    /// <param name="time">The clock.</param>
    /// <param name="caller">For whom it is asked; null where nobody has a share of his own.</param>
    public SearchCluster(ElasticsearchOptions options, TimeProvider time, CurrentCaller? caller = null) => (_client, _caller) = (new ElasticsearchClient(options, time), caller);

    /// <summary>The address as a person may see it.</summary>
    public string Name => _client.Name;

    /// <summary>Asks, and receives the whole answer. Dispose it as soon as it is used: others wait for its place.</summary>
    /// <exception cref="PipelineException">There was no answer, one that says no, or one that is too large.</exception>
    public async Task<ClusterAnswer> AskAsync(HttpMethod method, string path, byte[]? body, CancellationToken ct)
    {
        var turns = new Turns();
        try
        {
            if (_caller?.Name is { } caller) turns.Add(await _shares.AcquireAsync(caller, 1, ct).ConfigureAwait(false));
            turns.Add(await _turns.AcquireAsync(1, ct).ConfigureAwait(false));
            var answer = await _client.FetchAsync(method, path, body, UsualBytes, MostBytes, ct, new AnswerRoom(LargeBytes, token => WaitForRoomAsync(turns, token))).ConfigureAwait(false);
            if (!answer.CutOff) return new ClusterAnswer(answer, turns);
            answer.Dispose();
            throw ApiErrors.PageTooLarge.Error($"The documents of this page are larger than {MostBytes >> 20} MiB together.");
        }
        catch
        {
            turns.Dispose();
            throw;
        }
    }

    /// <summary>Which server it is.</summary>
    public Task<ServerInfo> IdentifyAsync(CancellationToken ct) => ServerInfo.AskAsync(_client, ct);

    // Whoever has a large turn waits for nothing else, so that all get theirs in the end.
    private async ValueTask WaitForRoomAsync(Turns turns, CancellationToken ct)
    {
        if (_caller?.Name is { } caller) turns.Add(await _largeShares.AcquireAsync(caller, 1, ct).ConfigureAwait(false));
        turns.Add(await _largeTurns.AcquireAsync(1, ct).ConfigureAwait(false));
    }

    private static PartitionedRateLimiter<string> SharesOf(int most, int waiting) => PartitionedRateLimiter.Create<string, string>(
        caller => RateLimitPartition.GetConcurrencyLimiter(caller, _ => new ConcurrencyLimiterOptions { PermitLimit = most, QueueLimit = waiting }));

    public void Dispose()
    {
        _shares.Dispose();
        _largeShares.Dispose();
        _turns.Dispose();
        _largeTurns.Dispose();
        _client.Dispose();
    }
}

/// <summary>An answer, and the place that it takes.</summary>
internal sealed class ClusterAnswer(AnswerBuffer buffer, IDisposable turns) : IDisposable
{
    /// <summary>The answer's bytes; good until this is disposed of.</summary>
    public ReadOnlyMemory<byte> Json => buffer.Written;

    public void Dispose()
    {
        buffer.Dispose();
        turns.Dispose();
    }
}

/// <summary>The turns that one question has, given back together.</summary>
internal sealed class Turns : IDisposable
{
    private readonly List<RateLimitLease> _leases = [];

    /// <summary>Takes one more.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.Busy"/>: it was not given.</exception>
    public void Add(RateLimitLease lease)
    {
        _leases.Add(lease);
        if (!lease.IsAcquired) throw ApiErrors.Busy.Error("Too many requests are waiting already.", retryAfter: TimeSpan.FromSeconds(1));
    }

    public void Dispose()
    {
        foreach (var lease in _leases) lease.Dispose();
    }
}
