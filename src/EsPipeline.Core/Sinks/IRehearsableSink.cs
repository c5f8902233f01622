using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Sinks;

/// <summary>
/// A sink that can say beforehand which records it would refuse: <c>espipe plan</c> asks it instead of writing. It checks with the very code
/// that <see cref="IDataSink.WriteAsync"/> uses before it sends anything, and changes nothing anywhere.
/// </summary>
public interface IRehearsableSink : IDataSink
{
    /// <summary>
    /// Called once instead of <see cref="IDataSink.PrepareAsync"/>: notes the schema, and reads what is there already (a table, a mapping), so
    /// that records are checked against it. Makes nothing.
    /// </summary>
    /// <param name="schema">What the source knows of its documents.</param>
    /// <param name="reachable">False where <see cref="IDataSink.CheckAsync"/> has found a problem: only what needs no server is checked then.</param>
    /// <param name="ct">Cancels it.</param>
    /// <returns>What a person should know: a sentence each, such as that the table is missing and a run would make it.</returns>
    /// <exception cref="PipelineException">What is there does not fit: the error that a run would end with.</exception>
    Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct);

    /// <summary>True where records can be checked only once <see cref="LearnRehearsalAsync"/> was given the first ones. Asked when the rehearsal is prepared.</summary>
    bool NeedsRehearsalSample => false;

    /// <summary>
    /// Given the first records before any is rehearsed, as <see cref="ISamplingSink.LearnAsync"/> is: what that would make is only imagined.
    /// </summary>
    /// <param name="sample">The records, at least one.</param>
    /// <param name="ct">Cancels it.</param>
    /// <exception cref="PipelineException">The error that a run would end with.</exception>
    Task LearnRehearsalAsync(IReadOnlyList<RecordSlice> sample, CancellationToken ct) => Task.CompletedTask;

    /// <summary>
    /// Answers for a slice as a write would, as far as can be known without writing; only permanent failures. Called as
    /// <see cref="IDataSink.WriteAsync"/> is: by several at once, but by one alone and in source order in an <see cref="IResumableSink"/>.
    /// </summary>
    ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct);
}

/// <summary>What a write of a slice would have come to.</summary>
/// <param name="Requests">Requests or statements that the sink would have sent.</param>
/// <param name="Failures">Each record that would be refused, once.</param>
public readonly record struct RehearsedWrite(int Requests, IReadOnlyList<RecordFailure> Failures)
{
    /// <summary>Writes that the system would charge for; 0 where it charges for none.</summary>
    public int BilledWrites { get; init; }
}
