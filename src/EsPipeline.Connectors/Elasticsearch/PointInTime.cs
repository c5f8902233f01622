using System.Text.Json;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// The view of one shard that those who read its parts share: a point in time, opened when it is first needed, opened anew when the server
/// has lost it, and closed when the last of them is done. Safe for many threads.
/// </summary>
/// <param name="client">The cluster.</param>
/// <param name="server">What it is.</param>
/// <param name="shard">The shard.</param>
/// <param name="readers">How many parts of the shard are going to be read.</param>
/// <param name="log">Where a lost view is reported.</param>
internal sealed class PointInTime(ElasticsearchClient client, ServerInfo server, ShardFacts shard, int readers, ILogger log) : IAsyncDisposable
{
    // A node that is gone takes the views along that it held, which some versions say as if it were to come back (500). One failure may be another's.
    private const int MostFailures = 2;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private int _readers = readers;
    private int _opened;
    private int _failures;
    private string? _id;

    /// <summary>
    /// True as long as everything was read from one and the same view. False from when a second one is needed, or where the server has
    /// none: what changes in between has moved past the sequence numbers that were there at the beginning.
    /// </summary>
    public bool IsOneMoment { get; private set; } = server.HasPointInTime;

    /// <summary>
    /// True where the user may not search in a view: Elasticsearch asks for rights to the index itself there, and the user has them for the
    /// alias only.
    /// </summary>
    public bool IsRefused { get; private set; }

    /// <summary>True once it was read from.</summary>
    public bool WasOpened => _opened > 0;

    /// <summary>The shard.</summary>
    public ShardFacts Shard => shard;

    /// <summary>The id to read with; null where there are no points in time to be had.</summary>
    public async ValueTask<string?> IdAsync(CancellationToken ct)
    {
        if (!server.HasPointInTime || IsRefused || _id is not null) return _id;
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            return _id ??= await OpenAsync(ct).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Notes the id of the newest answer: the next request has to use it.</summary>
    public void Renew(string? id)
    {
        _failures = 0;
        if (id is not null && _id is not null) _id = id;
    }

    /// <summary>The server was not able to search in the view: when it is not once more, the view is given up, since what is read outlives it.</summary>
    public void Fail(string? id)
    {
        if (Interlocked.Increment(ref _failures) >= MostFailures) Lose(id);
    }

    /// <summary>The server does not know this id any more; the next reader opens another view.</summary>
    public void Lose(string? id)
    {
        _failures = 0;
        if (id is null || Interlocked.CompareExchange(ref _id, null, id) != id) return;
        IsOneMoment = false;
        Log.ViewLost(log, shard.Name);
    }

    /// <summary>The user may not search in it: it is closed, and there will be no other.</summary>
    public async ValueTask RefuseAsync()
    {
        (IsRefused, IsOneMoment) = (true, false);
        await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>One reader has read its part to the end.</summary>
    public async ValueTask LeaveAsync()
    {
        if (Interlocked.Decrement(ref _readers) == 0) await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Tells the server that the view is no longer needed. Where that fails, it forgets it by itself after a while.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _id, null) is not { } id) return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            var body = SearchBody.Write(w =>
            {
                w.WriteStartObject();
                if (server.IsOpenSearch) w.WriteStartArray("pit_id");
                else w.WritePropertyName("id");
                w.WriteStringValue(id);
                if (server.IsOpenSearch) w.WriteEndArray();
                w.WriteEndObject();
            });
            await client.SendAsync(HttpMethod.Delete, server.ClosePointInTime, body, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            Log.ViewNotClosed(log, shard.Name, SearchBody.KeepAlive, e.Message);
        }
    }

    private async Task<string> OpenAsync(CancellationToken ct)
    {
        var path = $"{shard.Index.Address}/{server.OpenPointInTime}?keep_alive={SearchBody.KeepAlive}{server.Reach(shard.Shard)}";
        var answer = await client.SendAsync(HttpMethod.Post, path, default, ct).ConfigureAwait(false);
        if (answer.TryGetProperty("_shards", out var shards) && shards.GetProperty("failed").GetInt32() > 0)
        {
            throw ElasticsearchErrors.PartialAnswer.Error($"No point in time could be opened for {shard.Name}.");
        }

        if (_opened++ > 0) IsOneMoment = false;
        return answer.TryGetProperty(server.PointInTimeField, out var id) && id.ValueKind == JsonValueKind.String
            ? id.GetString()!
            : throw ElasticsearchErrors.BadAnswer.Error($"{client.Name} opened a point in time for {shard.Name} without saying which.");
    }
}
