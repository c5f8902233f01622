namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// The tries of one request to a service that may answer it a moment later: five, with pauses of half a second, doubled each time, for no longer
/// than the service may be silent. What takes longer is the engine's to wait out, which says so; a silence has used up the time by itself.
/// </summary>
/// <param name="longest">How long it is tried.</param>
/// <param name="time">The clock.</param>
internal sealed class RequestTries(TimeSpan longest, TimeProvider time)
{
    private const int Most = 5;

    private readonly long _started = time.GetTimestamp();
    private TimeSpan _pause = TimeSpan.FromMilliseconds(500);
    private int _failed;

    /// <summary>Waits before the next try.</summary>
    /// <returns>False where there is to be none.</returns>
    public async Task<bool> AgainAsync(CancellationToken ct)
    {
        if (++_failed == Most || time.GetElapsedTime(_started) + _pause > longest) return false;
        await Task.Delay(_pause, time, ct).ConfigureAwait(false);
        _pause *= 2;
        return true;
    }
}
