using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What reading one partition needs besides its position; made when a pass is planned.</summary>
internal sealed record ShardPart
{
    /// <summary>The server.</summary>
    public required ServerInfo Server { get; init; }

    /// <summary>The index.</summary>
    public required ConcreteIndex Index { get; init; }

    /// <summary>The shard as it was when the pass was planned; null for a slice of an index without sequence numbers.</summary>
    public ShardFacts? Shard { get; init; }

    /// <summary>The view that a snapshot is read in; null for changes.</summary>
    public PointInTime? View { get; init; }

    /// <summary>Whether the shard's checkpoint is the server's own.</summary>
    public bool IsFinal { get; init; }

    /// <summary>The latest time there was when the pass was planned, in milliseconds since 1970; null where it was not asked for.</summary>
    public long? LatestTime { get; init; }

    /// <summary>Which documents; without what only some positions ask for.</summary>
    public required Selection Selection { get; init; }

    /// <summary>The query, checked.</summary>
    public byte[]? Query { get; init; }

    /// <summary>How much to ask for at once; learnt while reading.</summary>
    public required SequenceWindow Window { get; init; }

    /// <summary>What its records look like to a person who looks for one.</summary>
    public string PlaceUnit => Shard is null ? Index.Name : $"{Index.Name}[{Shard.Shard}] seq_no";
}
