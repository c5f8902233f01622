using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Planning;

/// <summary>
/// Plans a run: reads and transforms what it would read, with the run's own source and transform, asks the sink what it would refuse, and
/// writes nothing: no record, no checkpoint, no dead letter, no lock.
/// </summary>
/// <param name="setup">What the run would be made of.</param>
/// <param name="mostKeys">How many keys are remembered for finding those that come again, 16 bytes each.</param>
public sealed class RunPlanner(PipelineSetup setup, long mostKeys = 6_000_000)
{
    private readonly Lock _lock = new();
    private readonly PlanTally _tally = new(mostKeys, (ulong)setup.Random.NextInt64());
    private readonly RetryPolicy _retry = new(
        setup.Retry with { Forever = false }, new Outage($"source {setup.From.Name}", setup.Log, setup.Time), setup.Random, setup.Time);

    private readonly Queue<(Partition Partition, RecordBatch Batch)> _held = [];
    private IRehearsableSink? _rehearsal;
    private IRehearsableSink? _learning;
    private PipelineException? _problem;
    private long _heldRecords;
    private long _heldBytes;

    /// <summary>Reads everything once.</summary>
    /// <exception cref="PipelineException">The source can't be read: a run could not either.</exception>
    public async Task<RunPlan> PlanAsync(CancellationToken ct)
    {
        var started = setup.Time.GetTimestamp();
        var notes = new List<string>();
        await _retry.CallAsync(stop => WellAsync(setup.Source, notes, stop), ct).ConfigureAwait(false);
        var sink = await setup.Sink.CheckAsync(ct).ConfigureAwait(false);
        notes.AddRange(sink.Warnings);
        var schema = await _retry.CallAsync(setup.Source.DescribeAsync, ct).ConfigureAwait(false);
        _problem = await PrepareSinkAsync(schema, sink.Problem, notes, ct).ConfigureAwait(false);
        if (_problem is null && _rehearsal is { NeedsRehearsalSample: true }) _learning = _rehearsal;

        var reader = new SnapshotReader(setup.Source, _retry, setup.Selection, setup.Threads);
        var partitions = await reader.PlanAsync(ct).ConfigureAwait(false);

        // A sample is what comes first, and has to be the run's.
        await reader.ReadAsync(partitions, setup.Sink is IResumableSink || _learning is not null, TakeAsync, ct).ConfigureAwait(false);
        await LearnAsync(ct).ConfigureAwait(false);

        var elapsed = setup.Time.GetElapsedTime(started);
        return new RunPlan
        {
            Read = _tally.Read,
            BytesRead = _tally.BytesRead,
            ToWrite = _tally.ToWrite,
            BytesToWrite = _tally.BytesToWrite,
            Filtered = _tally.Filtered,
            Requests = _tally.Requests,
            BilledWrites = _tally.BilledWrites,
            Problems = _tally.Problems,
            Duplicates = _tally.Duplicates(setup.Sink is IResumableSink || setup.Sink.KeepsFirst),
            SinkProblem = _problem is null ? null : setup.AtSink(_problem),
            Estimate = await RunEstimation.OfAsync(setup, _tally, elapsed, notes, ct).ConfigureAwait(false),
            Notes = notes,
        };
    }

    private static async Task<ConnectorHealth> WellAsync(IDataSource source, List<string> notes, CancellationToken ct)
    {
        var health = (await source.CheckAsync(ct).ConfigureAwait(false)).OrThrow();
        notes.AddRange(health.Warnings);
        return health;
    }

    private async Task<PipelineException?> PrepareSinkAsync(SourceSchema schema, PipelineException? problem, List<string> notes, CancellationToken ct)
    {
        if (setup.Sink is not IRehearsableSink sink)
        {
            notes.Add($"The sink {setup.To.Name} can't be asked beforehand what it would refuse: only sizes and keys were checked.");
            return problem;
        }

        try
        {
            notes.AddRange(await sink.PrepareRehearsalAsync(schema, reachable: problem is null, ct).ConfigureAwait(false));
            _rehearsal = sink;
            return problem;
        }
        catch (PipelineException e)
        {
            return problem ?? e;
        }
    }

    private async Task TakeAsync(Partition partition, RecordBatch batch, CancellationToken ct)
    {
        var read = batch.Count + batch.Malformed.Count;
        var bytes = new RecordSlice(batch.Records).Bytes;
        var filtered = 0;
        if (setup.Transform is not null) batch = setup.Transform.Apply(batch, out filtered);
        lock (_lock)
        {
            _tally.Read += read;
            _tally.BytesRead += bytes;
            _tally.Filtered += filtered;
        }

        if (_learning is null)
        {
            await RehearseAsync(partition, batch, ct).ConfigureAwait(false);
            return;
        }

        _held.Enqueue((partition, batch));
        (_heldRecords, _heldBytes) = (_heldRecords + batch.Count, _heldBytes + batch.Bytes);
        if (_heldRecords >= SampledQueue.Records || _heldBytes >= setup.ReadAheadBytes) await LearnAsync(ct).ConfigureAwait(false);
    }

    // As a run lets the sink learn from its first records, before it writes any.
    private async Task LearnAsync(CancellationToken ct)
    {
        if (_learning is not { } sink) return;
        try
        {
            RecordSlice[] sample = [.. _held.Select(h => new RecordSlice(h.Batch.Records))];
            if (_heldRecords > 0) await sink.LearnRehearsalAsync(sample, ct).ConfigureAwait(false);
        }
        catch (PipelineException e)
        {
            _problem = e;
        }

        _learning = null;
        while (_held.TryDequeue(out var held)) await RehearseAsync(held.Partition, held.Batch, ct).ConfigureAwait(false);
    }

    private async Task RehearseAsync(Partition partition, RecordBatch batch, CancellationToken ct)
    {
        var keysRepeat = !partition.UniqueKeys || setup.Transform?.ChangesKeys == true;
        using (batch)
        {
            RecordSlice fitting;
            lock (_lock)
            {
                foreach (var malformed in batch.Malformed)
                {
                    _tally.AddFailure(malformed.Error, malformed.Key.Span, batch.PlaceOf(malformed.Place), malformed.Raw.Length, malformed.Reason);
                }

                fitting = Fitting(batch, keysRepeat);
            }

            for (var start = 0; start < fitting.Count;)
            {
                var slice = NextSlice(fitting, start);
                await RehearseAsync(batch, slice, ct).ConfigureAwait(false);
                start += slice.Count;
            }
        }
    }

    // What is neither too large nor, in a sink that keeps the first record of a key, passed over.
    private RecordSlice Fitting(RecordBatch batch, bool keysRepeat)
    {
        var keepsFirst = setup.Sink is IResumableSink;
        var most = setup.Sink.Limits.MaxRecordBytes;
        var records = new RecordSlice(batch.Records);
        var kept = new List<int>(records.Count);
        for (var i = 0; i < records.Count; i++)
        {
            ref readonly var record = ref records[i];
            var again = keysRepeat && _tally.IsDuplicate(record, batch);
            if (again && keepsFirst)
            {
                _tally.ToWrite++;
            }
            else if (record.Bytes > most)
            {
                _tally.AddFailure(EngineErrors.RecordTooLarge, record.Key.Span, batch.PlaceOf(record.Place), record.Bytes, EngineErrors.TooLarge(record.Bytes, most));
            }
            else
            {
                kept.Add(i);
            }
        }

        return kept.Count == records.Count ? records : records.Pick(kept);
    }

    // As large as the writes that a run begins with.
    private RecordSlice NextSlice(RecordSlice records, int start)
    {
        var limits = setup.Sink.Limits;
        var most = Math.Min(setup.BatchSize.Start ?? limits.StartRecords, limits.MaxRecords);
        var (count, bytes) = (0, 0L);
        while (start + count < records.Count && count < most && (count == 0 || bytes + records[start + count].Bytes <= limits.MaxBytes))
        {
            bytes += records[start + count++].Bytes;
        }

        return records.Slice(start, count);
    }

    private async Task RehearseAsync(RecordBatch batch, RecordSlice slice, CancellationToken ct)
    {
        var write = _rehearsal is null ? new RehearsedWrite(1, []) : await _rehearsal.RehearseAsync(slice, ct).ConfigureAwait(false);
        lock (_lock)
        {
            _tally.ToWrite += slice.Count - write.Failures.Count;
            _tally.BytesToWrite += slice.Bytes;
            _tally.Requests += write.Requests;
            _tally.BilledWrites += write.BilledWrites;
            foreach (var failure in write.Failures)
            {
                ref readonly var record = ref slice[failure.Index];
                _tally.BytesToWrite -= record.Bytes;
                _tally.AddFailure(failure.Error, record.Key.Span, batch.PlaceOf(record.Place), record.Bytes, failure.Reason, setup.SinkNames);
            }
        }
    }
}
