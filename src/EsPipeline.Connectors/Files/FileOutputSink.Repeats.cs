using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Files;

/// <content>
/// Records that come again as they were, from a source that is followed by time. The file itself is what was written, by this run or one
/// before it, so it is read once; records are compared as they read back.
/// </content>
public abstract partial class FileOutputSink
{
    private LatestRecords? _latest;
    private bool _knowsLatest;
    private bool _expectsRepeats;
    private CancellationToken _stop;

    /// <summary>Nothing is read yet: a pass that finds no change has no record to compare.</summary>
    public Task ExpectRepeatsAsync(CancellationToken ct)
    {
        _stop = ct;
        _expectsRepeats = !_knowsLatest && !IsStream && _options.UniqueKeys > 0 && _file.IsComplete && FileLength > 0;
        return Task.CompletedTask;
    }

    private async Task LearnLatestAsync(CancellationToken ct)
    {
        Guard(_file.CutBack);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop);
        _readBack = await PrepareParserAsync(new InputFile(_options.File), ending.Token).ConfigureAwait(false);
        var latest = new LatestRecords();
        if (await ReadAllAsync(latest, ending.Token).ConfigureAwait(false)) _latest = latest;
        else Log.RepeatsExceedKeys(_log, _options.UniqueKeys);
        (_knowsLatest, _expectsRepeats) = (true, false);
    }

    // True where it is the last that was written of its key; else it is noted as that.
    private bool IsRepeat(in Record record, LatestRecords latest)
    {
        using var line = new RecordBatchBuilder(64 * 1024);
        var otherIds = _otherIdsInSlice;
        if (FormatAlone(record, line) is not null) return false;
        _otherIdsInSlice = otherIds;
        line.Write(new byte[ChunkReader.Padding]);
        using var read = new RecordBatchBuilder(64 * 1024);
        _readBack!.ReadRecord(line.Current, atEnd: true, record.Place, read, out _);
        using var batch = read.Build(default, 0, "");
        return batch.Count == 1 && !latest.Add(batch.Records.Span[0]);
    }

    private void RepeatsWritten()
    {
        _latest?.Written();
        if (!(_latest?.Count > _options.UniqueKeys)) return;
        Log.RepeatsExceedKeys(_log, _options.UniqueKeys);
        _latest = null;
    }

    // False where it was given up, for the number of keys.
    private async Task<bool> ReadAllAsync(LatestRecords latest, CancellationToken ct)
    {
        var source = OpenSource();
        await using (source.ConfigureAwait(false))
        {
            var plan = new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>());
            var partition = (await source.GetPartitionsAsync(plan, ct).ConfigureAwait(false))[0];
            await foreach (var batch in source.ReadAsync(partition, partition.Start, ct).ConfigureAwait(false))
            {
                using (batch)
                {
                    foreach (ref readonly var record in batch.Records.Span) latest.Add(record);
                }

                latest.Written();
                if (latest.Count > _options.UniqueKeys) return false;
            }

            return true;
        }
    }
}
