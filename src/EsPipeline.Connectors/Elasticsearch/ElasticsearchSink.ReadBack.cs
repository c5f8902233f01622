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

            var mode = TargetIndex.Setting(target.Settings, "mapping", "source", "mode");
            if (mode == "synthetic" || MappingSchema.SourceRemarks(_name, target.Mappings).Any()) throw NotComparable("it does not keep documents as they were (_source)");
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

    private Core.Errors.PipelineException NotComparable(string why) => VerifyErrors.NotComparable.Error($"The index '{_name}' can't be compared with its source: {why}.");
}
