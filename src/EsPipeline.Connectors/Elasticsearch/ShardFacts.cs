namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>An index, and how it is spoken of.</summary>
/// <param name="Name">Its own name.</param>
/// <param name="Uuid">Its UUID; <see cref="ElasticsearchPosition.Unknown"/> where the user may not see it.</param>
/// <param name="Address">
/// The name or names under which it is searched, encoded for a path. Not always its own: what was given as an alias is searched through
/// the alias, whose filter and privileges then apply.
/// </param>
/// <param name="IsShared">True where <paramref name="Address"/> may cover other indices too, so that searches have to name this one.</param>
internal sealed record ConcreteIndex(string Name, string Uuid, string Address, bool IsShared);

/// <summary>What is known of one shard before it is read.</summary>
/// <param name="Index">Its index.</param>
/// <param name="Shard">Its number.</param>
/// <param name="History">The UUID of the history of its sequence numbers.</param>
/// <param name="Checkpoint">
/// Its global checkpoint: every operation up to this sequence number is on all copies and final. Where the user may not see that, the
/// greatest number that a search finds.
/// </param>
/// <param name="DocumentBytes">About how large a document is in an answer; 0 where it is not known.</param>
internal sealed record ShardFacts(ConcreteIndex Index, int Shard, string History, long Checkpoint, long DocumentBytes)
{
    /// <summary>Its name, as partitions have it.</summary>
    public string Name => $"{Index.Name}#{Shard}";
}

/// <summary>What is known of everything that is to be read, at one moment.</summary>
/// <param name="Shards">The shards.</param>
/// <param name="IsFinal">
/// True where the shards' checkpoints are the servers' own; false where the user may not see them, so that they say nothing about what
/// is still under way.
/// </param>
/// <param name="Unnumbered">The indices that can only be read in slices, because they have documents without a sequence number.</param>
internal sealed record DataFacts(IReadOnlyList<ShardFacts> Shards, bool IsFinal, IReadOnlyList<ConcreteIndex> Unnumbered)
{
    /// <summary>The indices.</summary>
    public IEnumerable<ConcreteIndex> Indices => Shards.Select(s => s.Index).Concat(Unnumbered).Distinct();

    /// <summary>True where there may be any document.</summary>
    public bool HasDocuments => Unnumbered.Count > 0 || Shards.Any(s => s.Checkpoint >= 0);

    /// <summary>The same, with some of the indices to be read in slices.</summary>
    public DataFacts WithSlicesFor(Func<ConcreteIndex, bool> applies) => this with
    {
        Shards = [.. Shards.Where(s => !applies(s.Index))],
        Unnumbered = [.. Unnumbered.Concat(Shards.Select(s => s.Index).Where(applies)).Distinct()],
    };
}
