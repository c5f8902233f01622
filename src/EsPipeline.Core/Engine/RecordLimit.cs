namespace EsPipeline.Core.Engine;

/// <summary>Lets exactly so many records pass, whatever the number of readers.</summary>
/// <param name="remaining">How many; null for all.</param>
internal sealed class RecordLimit(long? remaining)
{
    private long _remaining = remaining ?? long.MaxValue;

    /// <summary>True when no more will pass.</summary>
    public bool Reached => Interlocked.Read(ref _remaining) <= 0;

    /// <summary>Takes up to <paramref name="wanted"/> records.</summary>
    /// <returns>How many may pass.</returns>
    public int Take(int wanted)
    {
        while (true)
        {
            var left = Interlocked.Read(ref _remaining);
            var taken = (int)Math.Min(wanted, Math.Max(left, 0));
            if (Interlocked.CompareExchange(ref _remaining, left - taken, left) == left) return taken;
        }
    }

    /// <summary>Gives back what was taken and did not come.</summary>
    public void Give(long records) => Interlocked.Add(ref _remaining, records);
}
