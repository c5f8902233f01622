using System.Text;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Verification;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Elasticsearch;

/// <content>How records read back: the index keeps documents as they were sent, unless it or the run says otherwise.</content>
public sealed partial class ElasticsearchSink : IVerifiableSink
{
    private ServerInfo? _server;

    /// <inheritdoc/>
    public async Task<byte[]?> ReadAsync(ReadOnlyMemory<byte> key, CancellationToken ct)
    {
        // A key such as ".." can't stand in a path.
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteStartArray("ids");
            w.WriteStringValue(key.Span);
            w.WriteEndArray();
            w.WriteEndObject();
        });
        var target = await FindAgainAsync(ct).ConfigureAwait(false);
        var answer = await _client.SendAsync(HttpMethod.Post, $"{IndexExpression.Encode(target.Concrete)}/_mget", body, ct).ConfigureAwait(false);
        var document = answer.GetProperty("docs")[0];
        if (document.TryGetProperty("error", out var error)) throw Refusal.OfItem(System.Net.HttpStatusCode.BadRequest, error).Explain(_client.Addresses[0], HttpMethod.Post, "/_mget", null, null);
        if (!document.GetProperty("found").GetBoolean()) return null;
        return document.TryGetProperty("_source", out var source)
            ? Encoding.UTF8.GetBytes(source.GetRawText())
            : throw ElasticsearchErrors.NoSource.Error($"The index '{target.Concrete}' has _source disabled.");
    }

    /// <summary>Refreshes the index, so that everything written is found, and counts; nested documents do not count.</summary>
    public async Task<long> CountAsync(CancellationToken ct)
    {
        var index = IndexExpression.Encode((await FindAgainAsync(ct).ConfigureAwait(false)).Concrete);
        await _client.SendAsync(HttpMethod.Post, $"{index}/_refresh", default, ct).ConfigureAwait(false);
        var reach = (await ServerAsync(ct).ConfigureAwait(false)).Reach().TrimStart('&');
        var answer = await _client.SendAsync(HttpMethod.Get, $"{index}/_count?{reach}", default, ct).ConfigureAwait(false);

        // Invariant 4.
        return answer.GetProperty("_shards").GetProperty("failed").GetInt32() == 0
            ? answer.GetProperty("count").GetInt64()
            : throw ElasticsearchErrors.PartialAnswer.Error($"Not all shards of {Place} could be counted.");
    }

    /// <inheritdoc/>
    public async Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct)
    {
        if (_options.Pipeline.Length > 0) throw NotComparable($"the ingest pipeline '{_options.Pipeline}' changes documents before they are kept");
        var target = await TargetIndex.FindAsync(_client, _name, ct).ConfigureAwait(false)
            ?? throw ElasticsearchErrors.IndexNotFound.Error($"There is no index '{_name}': nothing has been copied there.");
        if (target.IsSeen)
        {
            foreach (var kind in new[] { "default_pipeline", "final_pipeline" })
            {
                if (TargetIndex.Setting(target.Settings, kind) is { } pipeline and not "_none") throw NotComparable($"its {kind} '{pipeline}' changes documents before they are kept");
            }

            var remarks = await KeptSource.RemarksAsync(_client, await ServerAsync(ct).ConfigureAwait(false), target.Concrete, ct).ConfigureAwait(false);
            if (remarks.Count > 0) throw NotComparable(remarks[0]);
        }

        return new ReadBackPlace(new ElasticsearchSource(
            new ElasticsearchSourceOptions(_options), new RunOptions(), _time, NullLogger<ElasticsearchSource>.Instance));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var failures = new List<RecordFailure>();
        var rest = RefuseImpossible(slice, failures) is { } takes ? slice.Pick(takes) : slice;
        foreach (ref readonly var record in rest.Records) output.Add(record.Key.Span, record.Json.Span, record.Operation, 0, record.Place);
        return Task.FromResult<IReadOnlyList<RecordFailure>>(failures);
    }

    private async ValueTask<ServerInfo> ServerAsync(CancellationToken ct) => _server ??= await ServerInfo.AskAsync(_client, ct).ConfigureAwait(false);

    private Core.Errors.PipelineException NotComparable(string why) => VerifyErrors.NotComparable.Error($"The index '{_name}' can't be compared with its source: {why}.");
}
