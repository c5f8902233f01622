namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// The operations that the last pass by time has read, so that those that the next one's overlap finds again are left out. A shard's
/// sequence number stands for a key and its version at once. Forgets rather than grows: what is forgotten is written again, which changes
/// nothing (invariant 5). Safe for many threads, one for each shard at a time.
/// </summary>
internal sealed class OverlapMemory
{
    /// <summary>How many operations are remembered, of all shards together; about 32 bytes each.</summary>
    public const int Most = 1_000_000;

    private readonly Dictionary<string, (HashSet<long> Before, HashSet<long> Now)> _shards = [];
    private readonly Lock _lock = new();
    private int _count;

    /// <summary>True where the pass before this one has read it; from now on this pass has.</summary>
    /// <param name="shard">The shard, its index's UUID and its history.</param>
    /// <param name="number">The sequence number.</param>
    public bool IsKnown(string shard, long number)
    {
        lock (_lock)
        {
            var (before, now) = Of(shard);
            if (_count < Most && now.Add(number)) _count++;
            return before.Contains(number);
        }
    }

    /// <summary>A pass over the shard is done.</summary>
    public void EndPass(string shard)
    {
        lock (_lock)
        {
            var (before, now) = Of(shard);
            _count -= before.Count;
            _shards[shard] = (now, []);
        }
    }

    private (HashSet<long> Before, HashSet<long> Now) Of(string shard)
    {
        if (!_shards.TryGetValue(shard, out var sets)) _shards[shard] = sets = ([], []);
        return sets;
    }
}
