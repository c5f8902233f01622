namespace EsPipeline.Cli;

/// <summary>How fast a count grows, over its last samples.</summary>
/// <param name="samples">How many.</param>
/// <param name="from">The count to begin with.</param>
internal sealed class RateWindow(int samples, long from = 0)
{
    private readonly Queue<(long At, long Count)> _samples = new([(TimeProvider.System.GetTimestamp(), from)]);

    /// <summary>Takes the count as it is now.</summary>
    /// <returns>How much it grew a second.</returns>
    public double Add(long count)
    {
        var now = TimeProvider.System.GetTimestamp();
        var (at, before) = _samples.Peek();
        _samples.Enqueue((now, count));
        while (_samples.Count > samples) _samples.Dequeue();
        var seconds = TimeProvider.System.GetElapsedTime(at, now).TotalSeconds;
        return seconds > 0 ? (count - before) / seconds : 0;
    }
}
