using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Verification;

/// <summary>
/// Writes what is missing and what differs, read again at the source, and deletes what is extra: through the same writer as a run, with its retries and
/// dead letters. Holds the job's lock; touches no saved position.
/// </summary>
internal sealed class Repair(PipelineSetup setup, VerifyOptions options, RetryPolicy sourceRetry) : IDisposable
{
    // With what a set takes beside them about 40 MB.
    private const int KeysAtOnce = 1_000_000;
    private const int DeletesAtOnce = 500;

    private readonly RunAccount _account = new();
    private readonly ByteBudget _budget = new(long.MaxValue);
    private readonly CheckpointTracker _tracker = new(default);

    /// <summary>Documents written and deleted so far.</summary>
    public long Written => _account.Totals().Written;

    /// <summary>Repairs.</summary>
    /// <returns>What became of it, and how many deletes there were.</returns>
    public async Task<(AccountTotals Account, long Deleted)> RunAsync(
        IJobState state, JobIdentity identity, SourceSchema schema, Differences found, CancellationToken ct)
    {
        var job = new JobLetters(setup, state);
        var letters = await job.OpenAsync(ct).ConfigureAwait(false);
        await using var lettersHandle = letters.ConfigureAwait(false);
        await setup.Sink.PrepareAsync(schema, ct).ConfigureAwait(false);

        // Of a snapshot that is not complete, since a sink may go elsewhere from the first changes on.
        var phase = (await state.LoadAsync(ct).ConfigureAwait(false))?.Phase ?? ReadKind.Changes;
        await setup.Sink.BeginPassAsync(phase, uniqueKeys: true, ct).ConfigureAwait(false);
        var writer = new UnitWriter(
            setup.Sink,
            new AdaptiveSize(setup.Sink.Limits),
            new RateLimiter(setup.RateLimit, setup.Sink.Limits.Ramp, setup.Time),
            new RetryPolicy(setup.Retry with { Forever = false }, new Outage($"sink {setup.To.Name}", setup.Log, setup.Time), setup.Random, setup.Time, setup.SinkNames),
            job.GateTo(letters, identity, setup.MaxDeadLetters),
            _account,
            setup.Time);

        long deleted = 0;
        foreach (var (writes, deletes) in Parts(found.Table))
        {
            if (options.Repair && writes.Count > 0) await WriteAsync(writer, writes, ct).ConfigureAwait(false);
            if (options.MaxDeletes is null) continue;
            var before = _account.Totals().Written;
            foreach (var some in deletes.Chunk(DeletesAtOnce)) await DeleteAsync(writer, some, ct).ConfigureAwait(false);
            deleted += _account.Totals().Written - before;
        }

        await setup.Sink.CompleteAsync(ct).ConfigureAwait(false);
        return (_account.Totals(), deleted);
    }

    /// <inheritdoc/>
    public void Dispose() => _tracker.Dispose();

    // The keys to write and the keys to delete, a fixed number at once.
    private static IEnumerable<(HashSet<byte[]> Writes, List<byte[]> Deletes)> Parts(KeyTable table)
    {
        var (writes, deletes) = (new HashSet<byte[]>(KeyComparer.Instance), new List<byte[]>());
        for (var bucket = 0; bucket < KeyTable.Buckets; bucket++)
        {
            table.Read(bucket, (key, state, _) =>
            {
                if (state == KeyState.Deleted) deletes.Add(key.ToArray());
                else writes.Add(key.ToArray());
            });
            if (writes.Count + deletes.Count < KeysAtOnce && bucket < KeyTable.Buckets - 1) continue;
            yield return (writes, deletes);
            (writes, deletes) = (new HashSet<byte[]>(KeyComparer.Instance), []);
        }
    }

    private async Task WriteAsync(UnitWriter writer, HashSet<byte[]> keys, CancellationToken ct)
    {
        var reader = new SnapshotReader(setup.Source, sourceRetry, setup.Selection, setup.Threads);
        var partitions = await reader.PlanAsync(ct).ConfigureAwait(false);
        await reader.ReadAsync(
            partitions,
            false,
            async (partition, batch, stop) =>
            {
                if (setup.Transform is not null) batch = setup.Transform.Apply(batch, out _);
                RecordBatch chosen;
                using (batch) chosen = Chosen(batch, keys);
                await WriteAsync(writer, partition.Id, chosen, stop).ConfigureAwait(false);
            },
            ct).ConfigureAwait(false);
    }

    // Without their versions: a document that was changed behind the job's back may seem to be newer than the source's.
    private static RecordBatch Chosen(RecordBatch batch, HashSet<byte[]> keys)
    {
        using var output = new RecordBatchBuilder();
        var wanted = keys.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (ref readonly var record in batch.Records.Span)
        {
            if (wanted.Contains(record.Key.Span)) output.Add(record.Key.Span, record.Json.Span, record.Operation, 0, record.Place);
        }

        return output.Build(batch.End, 0, batch.PlaceUnit);
    }

    private async Task DeleteAsync(UnitWriter writer, byte[][] keys, CancellationToken ct)
    {
        using var output = new RecordBatchBuilder();
        foreach (var key in keys) output.Add(key, [], RecordOperation.Delete, 0, 0);
        await WriteAsync(writer, new PartitionId("extra"), output.Build(default, 0, "sink document"), ct).ConfigureAwait(false);
    }

    // In parts that one write of the sink may hold.
    private async Task WriteAsync(UnitWriter writer, PartitionId partition, RecordBatch batch, CancellationToken ct)
    {
        if (batch.Count == 0)
        {
            batch.Dispose();
            return;
        }

        var limits = setup.Sink.Limits;
        var most = Math.Min(setup.BatchSize.Start ?? limits.StartRecords, limits.MaxRecords);
        var (records, total) = (batch.Records, batch.Count);
        _account.AddRead(total, new RecordSlice(records).Bytes);
        var inFlight = new InFlightBatch(
            batch, partition, await _tracker.TrackAsync(batch.End, total, ct).ConfigureAwait(false), _budget, _account, filtered: 0);
        for (var start = 0; start < total;)
        {
            var (count, bytes) = (0, 0L);
            while (start + count < total && count < most && (count == 0 || bytes + records.Span[start + count].Bytes <= limits.MaxBytes))
            {
                bytes += records.Span[start + count++].Bytes;
            }

            var unit = new WriteUnit();
            unit.Append(inFlight, records.Slice(start, count), bytes);
            unit.Compact();
            await writer.WriteAsync(unit, ct).ConfigureAwait(false);
            start += count;
        }
    }
}
