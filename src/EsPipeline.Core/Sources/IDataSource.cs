using EsPipeline.Core.Records;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Sources;

/// <summary>
/// Where records come from. The engine calls <see cref="CheckAsync"/> first, then <see cref="GetPartitionsAsync"/> once for each pass
/// over the data, and then reads the partitions, several at once.
/// </summary>
/// <remarks>
/// Every method throws <see cref="Errors.PipelineException"/> for what a person has to be told; its kind says whether trying again can
/// help. A source never retries for longer than one call's time-out on its own: the engine does, from the last position.
/// </remarks>
public interface IDataSource : IAsyncDisposable
{
    /// <summary>Asks the system whether it can be read, and who it is. Returns problems rather than throwing them; answers within 5 s.</summary>
    Task<ConnectorHealth> CheckAsync(CancellationToken ct);

    /// <summary>The fields that the documents have, where the system knows them; <see cref="SourceSchema.Unknown"/> otherwise.</summary>
    Task<SourceSchema> DescribeAsync(CancellationToken ct);

    /// <summary>
    /// Divides what <paramref name="plan"/> asks for into partitions that can be read at once. The answer replaces the partitions in the
    /// checkpoint: it names every partition that still matters, each with the position to start from. A partition that is already done
    /// may be named again; reading it yields nothing.
    /// </summary>
    /// <remarks>
    /// A source that needs to note something at the start of a snapshot (where changes begin, a snapshot's name) puts it into the start
    /// positions: these are saved before the first record is read, and come back in <see cref="ReadPlan.Saved"/>.
    /// </remarks>
    Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct);

    /// <summary>
    /// Reads a partition from after <paramref name="after"/> (its <see cref="Partition.Start"/>, or a batch's <see cref="RecordBatch.End"/>,
    /// from this process or an earlier one) to where the plan ends. Batches come in order; the caller disposes each. Ends normally only
    /// when everything there was to read has been yielded.
    /// </summary>
    IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, CancellationToken ct);

    /// <summary>
    /// Asked after a snapshot was read to its end, and after a pass over changes that is not followed by another: true where it is not whole
    /// yet, because it was resumed, or the view that it was read from was lost, or what was read changed, so that something is missing. The
    /// engine then asks for the partitions once more, with what is saved, and reads those too before it calls the snapshot or the run complete.
    /// </summary>
    bool SnapshotContinues => false;

    /// <summary>
    /// Told after everything up to <paramref name="safe"/> is in the sink and the checkpoint is on disk; for example a replication slot
    /// may be moved. Never called with a position that the checkpoint does not hold.
    /// </summary>
    ValueTask AcknowledgeAsync(PartitionId partition, Position safe, CancellationToken ct) => ValueTask.CompletedTask;
}
