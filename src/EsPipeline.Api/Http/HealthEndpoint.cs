using EsPipeline.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary><c>GET /health</c>: whether this API and the search server behind it can be used. The server is asked at most once a second.</summary>
internal sealed class HealthEndpoint(SearchCluster cluster, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private (Health Health, DateTimeOffset At)? _last;

    /// <summary>Answers 200 where it can be used, else 503.</summary>
    public async Task<IResult> AnswerAsync(CancellationToken ct)
    {
        var health = await CheckAsync(ct).ConfigureAwait(false);
        return Results.Json(health, ApiJson.Options, statusCode: health.Problem is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    public void Dispose() => _gate.Dispose();

    private async Task<Health> CheckAsync(CancellationToken ct)
    {
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_last is { } last && time.GetUtcNow() - last.At < Kept) return last.Health;
            var health = await AskAsync(ct).ConfigureAwait(false);
            _last = (health, time.GetUtcNow());
            return health;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<Health> AskAsync(CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try
        {
            var server = await cluster.IdentifyAsync(patience.Token).ConfigureAwait(false);
            return new Health("ok", server.Name, null);
        }
        catch (Exception e) when (e is PipelineException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return new Health("unavailable", null, ApiErrors.BackendUnavailable.Meaning);
        }
    }
}

/// <summary>Whether the API can be used.</summary>
/// <param name="Status">ok or unavailable.</param>
/// <param name="SearchServer">The search server's name and version; absent where it does not answer.</param>
/// <param name="Problem">What is wrong; absent where nothing is.</param>
public sealed record Health(string Status, string? SearchServer, string? Problem);
