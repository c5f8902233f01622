namespace EsPipeline.Core.Sinks;

/// <summary>A sink that can say how many documents it holds, so that a run's account can be compared with it.</summary>
public interface ICountableSink : IDataSink
{
    /// <summary>What holds the documents, as it stands in a sentence: <c>the index 'movies'</c>.</summary>
    string Place { get; }

    /// <summary>How many documents are there, every write that has returned included. Called after <see cref="IDataSink.PrepareAsync"/>, and never during a write.</summary>
    Task<long> CountAsync(CancellationToken ct);
}
