using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Sinks;

/// <summary>
/// Where records go. The engine calls <see cref="CheckAsync"/> and <see cref="PrepareAsync"/> first, then <see cref="WriteAsync"/> from up to
/// <see cref="SinkLimits.Concurrency"/> writers at once. Two writes at the same time never hold the same key.
/// </summary>
public interface IDataSink : IAsyncDisposable
{
    /// <summary>What one write may hold. May change after <see cref="PrepareAsync"/>, once the server has said what it takes.</summary>
    SinkLimits Limits { get; }

    /// <summary>
    /// True for a sink that leaves a key alone which is there already: every record of a key is then written, in order, since the first one
    /// that the sink takes is the one to stay. Otherwise a write may be given the last one alone.
    /// </summary>
    bool KeepsFirst => false;

    /// <summary>
    /// Asks the system whether it can be written, and who it is. Returns problems rather than throwing them; answers within 5 s. A new job
    /// asks once more after <see cref="PrepareAsync"/>, so that what preparing makes can be a part of the identity.
    /// </summary>
    Task<ConnectorHealth> CheckAsync(CancellationToken ct);

    /// <summary>
    /// Makes what is needed to write (an index, a table, a file) for documents of this schema. Does nothing where it exists and fits;
    /// throws an environment error that says what differs where it does not fit. Safe to call again.
    /// </summary>
    Task PrepareAsync(SourceSchema schema, CancellationToken ct);

    /// <summary>Told before each pass over the source what is coming: a snapshot or changes, and whether no key comes twice in it.</summary>
    Task BeginPassAsync(ReadKind kind, bool uniqueKeys, CancellationToken ct) => Task.CompletedTask;

    /// <summary>
    /// Writes a slice, and answers for every record of it. What it reports as written is durable when it returns, except in an
    /// <see cref="IResumableSink"/>. Writing the same slice again leaves the same state. Keeps nothing of the slice's memory.
    /// </summary>
    /// <exception cref="Errors.PipelineException">
    /// The write as a whole failed and it is not known what was written; the engine writes all of it again, stops, or waits, by the error's kind.
    /// </exception>
    Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct);

    /// <summary>Told when a pass over the source is complete and saved: a file gets its final name, an index its settings back.</summary>
    Task CompleteAsync(CancellationToken ct) => Task.CompletedTask;
}

/// <summary>
/// A sink that cannot write idempotently by key, such as a file. It is given one writer, and every record in source order; its token
/// (the file's length) is saved in the same checkpoint as the positions, and on resume it is cut back to it.
/// </summary>
public interface IResumableSink : IDataSink
{
    /// <summary>
    /// Makes all that was written durable and returns the token that stands for this state; null where it can't be gone back to (standard
    /// output): nothing is saved then, and each run begins anew. Never called during a write.
    /// </summary>
    Task<string?> FlushAsync(CancellationToken ct);

    /// <summary>
    /// Goes back to the state that <paramref name="token"/> stands for; null begins anew. Called once, after
    /// <see cref="IDataSink.PrepareAsync"/>. Returns false where that state is not there any more (the file was removed): the engine then
    /// begins the whole copy anew.
    /// </summary>
    Task<bool> RestoreAsync(string? token, CancellationToken ct);

    /// <summary>
    /// Told, after <see cref="IDataSink.BeginPassAsync"/>, that records which were written before may come again as they were; see
    /// <see cref="Sources.Partition.Repeats"/>. They are to count as unchanged.
    /// </summary>
    /// <param name="ct">
    /// The run's stop. Cancelled later it also ends what the first write may have to do before it writes anything, such as reading what was
    /// written: that write then throws <see cref="OperationCanceledException"/>, and its records are read again by the next run.
    /// </param>
    Task ExpectRepeatsAsync(CancellationToken ct) => Task.CompletedTask;
}
