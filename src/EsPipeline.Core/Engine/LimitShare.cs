namespace EsPipeline.Core.Engine;

/// <summary>
/// One partition's part of a limit. Until the position moves, what was read may have to be read again, and counts once: it is kept for this
/// partition meanwhile, since the sink may hold it already. For one thread.
/// </summary>
/// <param name="limit">The limit, which all partitions share.</param>
internal sealed class LimitShare(RecordLimit limit)
{
    private long _sinceMoved;
    private long _again;

    /// <summary>True when no more will pass.</summary>
    public bool Reached => _again == 0 && limit.Reached;

    /// <summary>Takes up to <paramref name="wanted"/> records; those that come again first.</summary>
    /// <returns>How many may pass.</returns>
    public int Take(int wanted)
    {
        var again = (int)Math.Min(wanted, _again);
        _again -= again;
        var taken = again + limit.Take(wanted - again);
        _sinceMoved += taken;
        return taken;
    }

    /// <summary>The position has moved behind what was taken: none of it comes again.</summary>
    /// <returns>How many records that is.</returns>
    public long Settle()
    {
        limit.Give(_again);
        var settled = _sinceMoved;
        (_sinceMoved, _again) = (0, 0);
        return settled;
    }

    /// <summary>What was taken since the position moved comes again.</summary>
    public void BeginAgain()
    {
        _again += _sinceMoved;
        _sinceMoved = 0;
    }
}
