namespace EsPipeline.Core.Sinks;

/// <summary>
/// A sink that has to know in later runs what it has learnt in this one, such as which columns of a table are the documents'. What it notes is
/// kept with the job's positions.
/// </summary>
public interface INotingSink : IDataSink
{
    /// <summary>
    /// Hands over the job's note, before <see cref="IDataSink.PrepareAsync"/> or <see cref="IVerifiableSink.PrepareReadBackAsync"/>. Without
    /// one the sink knows only what it has learnt itself.
    /// </summary>
    void Recall(ISinkNote note);
}

/// <summary>What a sink has noted for later runs of a job. Safe for many threads.</summary>
public interface ISinkNote
{
    /// <summary>What was noted last; null where nothing was.</summary>
    string? Text { get; }

    /// <summary>
    /// Notes something else instead. On return it is as durable as the job's positions are: a sink waits for it before it writes what later
    /// runs can't make sense of without.
    /// </summary>
    /// <exception cref="Errors.PipelineException">The state store can't be written.</exception>
    Task KeepAsync(string text, CancellationToken ct);
}
