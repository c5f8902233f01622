using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors;

/// <summary>A system that records can come from, go to, or both.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Description">One sentence without a full stop.</param>
public sealed record Connector(string Name, string Description)
{
    /// <summary>Other names that mean the same.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>How it is read; null where it is not.</summary>
    public SourceEnd? Source { get; init; }

    /// <summary>How it is written; null where it is not.</summary>
    public SinkEnd? Sink { get; init; }

    /// <summary>
    /// Told the source's and the sink's options records where the system serves both ends, so that they can agree; returns what is wrong with
    /// the two together, null when all is well.
    /// </summary>
    public Func<object, object, bool, string?> Join { get; init; } = (_, _, _) => null;
}

/// <summary>How a system is read.</summary>
/// <param name="Type">The class; its constructor takes the options record and services.</param>
/// <param name="Options">The options record.</param>
public sealed record SourceEnd(Type Type, Type Options)
{
    /// <summary>True where the data can change while it is read, so that following it makes sense.</summary>
    public bool Follows { get; init; }

    /// <summary>
    /// For a source that <see cref="Follows"/> only with some of its options: whether these are enough. Where they are not, a run without a
    /// mode reads everything once.
    /// </summary>
    public Func<object, bool> FollowsWith { get; init; } = _ => true;

    /// <summary>What <c>--query</c> is written in; null where the source takes none.</summary>
    public string? QueryLanguage { get; init; }

    /// <summary>True where <c>--since</c> and <c>--until</c> select.</summary>
    public bool SelectsByTime { get; init; }

    /// <summary>
    /// What the documents are usually kept under (an index), so that a sink need not be told; null where that is for a person to say. Given
    /// the options record.
    /// </summary>
    public Func<object, string?> UsualTarget { get; init; } = _ => null;

    /// <summary>A source class and its options record.</summary>
    public static SourceEnd Of<TSource, TOptions>()
        where TSource : IDataSource
        where TOptions : new() => new(typeof(TSource), typeof(TOptions));
}

/// <summary>How a system is written.</summary>
/// <param name="Type">The class; its constructor takes the options record and services.</param>
/// <param name="Options">The options record.</param>
public sealed record SinkEnd(Type Type, Type Options)
{
    /// <summary>Tells the options record the <see cref="SourceEnd.UsualTarget"/>, which counts where the options name no target themselves.</summary>
    public Action<object, string> UseTarget { get; init; } = (_, _) => { };

    /// <summary>A sink class and its options record.</summary>
    public static SinkEnd Of<TSink, TOptions>()
        where TSink : IDataSink
        where TOptions : new() => new(typeof(TSink), typeof(TOptions));
}
