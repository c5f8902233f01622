using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>The positions that a checkpoint holds, by shard.</summary>
internal sealed class SavedPositions
{
    private readonly Dictionary<string, List<(PartitionId Id, ElasticsearchPosition Position)>> _byOwner = [];

    /// <exception cref="Core.Errors.PipelineException">One of them is not this source's.</exception>
    public SavedPositions(IReadOnlyDictionary<PartitionId, Position> saved)
    {
        foreach (var (id, position) in saved.OrderBy(p => p.Key.Value, StringComparer.Ordinal))
        {
            var owner = OwnerOf(id);
            if (!_byOwner.TryGetValue(owner, out var positions)) _byOwner[owner] = positions = [];
            positions.Add((id, ElasticsearchPosition.Parse(position)));
        }
    }

    /// <summary>True where nothing is saved.</summary>
    public bool IsEmpty => _byOwner.Count == 0;

    /// <summary>The names of shards, and of indices read in slices, for which there is any.</summary>
    public IEnumerable<string> Owners => _byOwner.Keys;

    /// <summary>The partition of a part of a shard, <c>orders#0/3</c>, or of a slice of an index, <c>orders/3</c>.</summary>
    public static PartitionId PartOf(string owner, int part) => new($"{owner}/{part}");

    /// <summary>What is saved of one shard (<c>orders#0</c>), or of an index read in slices.</summary>
    public IReadOnlyList<(PartitionId Id, ElasticsearchPosition Position)> Of(string owner) =>
        _byOwner.TryGetValue(owner, out var positions) ? positions : [];

    /// <summary>
    /// Why what is saved of a shard is of no use for the shard as it is now, as a clause; null where it is. Numbers count only within one
    /// history: the same number means another operation in an index that was made again or restored.
    /// </summary>
    public static string? ReasonToStartOver(ElasticsearchPosition position, ShardFacts shard, bool isFinal)
    {
        if (Differ(position.IndexUuid, shard.Index.Uuid)) return "the index was deleted and made again, or is another one under this name";
        var (history, reached) = position switch
        {
            RangePosition range => (range.History, range.Checkpoint),
            FollowPosition follow => (follow.History, follow.After),
            TimePosition time => (time.History, -1),
            _ => (ElasticsearchPosition.Unknown, -1),
        };
        if (Differ(history, shard.History)) return "the index was restored, or a copy that had fallen behind was made its newest";
        return isFinal && shard.Checkpoint < reached ? "the index is behind what was read of it before" : null;
    }

    /// <summary>True where both are known and not the same.</summary>
    public static bool Differ(string uuid, string other) =>
        uuid != other && uuid != ElasticsearchPosition.Unknown && other != ElasticsearchPosition.Unknown;

    private static string OwnerOf(PartitionId id)
    {
        var slash = id.Value.LastIndexOf('/');
        return slash < 0 ? id.Value : id.Value[..slash];
    }
}
