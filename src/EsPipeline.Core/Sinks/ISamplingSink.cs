using EsPipeline.Core.Records;

namespace EsPipeline.Core.Sinks;

/// <summary>A sink that may have to see records before it can make what it writes to: the columns of a table whose fields no source has named.</summary>
public interface ISamplingSink : IDataSink
{
    /// <summary>True where <see cref="IDataSink.PrepareAsync"/> could not make the target for want of a schema. Asked before each snapshot; a pass over changes writes without, and the sink learns from its first write.</summary>
    bool NeedsSample { get; }

    /// <summary>
    /// Given the first records before any is written, in the order in which they were read: the same whichever writer will write first. They
    /// are borrowed, and come again with <see cref="IDataSink.WriteAsync"/>. Safe to call again.
    /// </summary>
    /// <param name="sample">The records, at least one.</param>
    /// <param name="ct">Cancels it.</param>
    Task LearnAsync(IReadOnlyList<RecordSlice> sample, CancellationToken ct);
}
