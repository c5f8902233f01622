namespace EsPipeline.Conformance;

/// <summary>
/// Time since a moment, without what this process was not let run in: on a machine that is busy with other things it stands still now and
/// then, and whatever it measures with it.
/// </summary>
public sealed class AwakeTime
{
    // A thread that asks for a processor every 10 ms has to wait a little for it; what is beyond this is a pause.
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(100);

    private static readonly Lock Beats = new();
    private static readonly ManualResetEventSlim Never = new();
    private static long _last = TimeProvider.System.GetTimestamp();
    private static TimeSpan _paused;

    private readonly long _started;
    private readonly TimeSpan _pausedBefore;

    static AwakeTime() => new Thread(BeatOn) { IsBackground = true, Name = nameof(AwakeTime) }.Start();

    private AwakeTime() => (_started, _pausedBefore) = Now();

    /// <summary>How long it is since then.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            var (now, paused) = Now();
            return TimeProvider.System.GetElapsedTime(_started, now) - (paused - _pausedBefore);
        }
    }

    /// <summary>Begins now.</summary>
    public static AwakeTime Start() => new();

    // With the pause that may just be ending, which the thread that counts has not seen yet.
    private static (long Time, TimeSpan Paused) Now()
    {
        lock (Beats)
        {
            var now = TimeProvider.System.GetTimestamp();
            var since = TimeProvider.System.GetElapsedTime(_last, now);
            return (now, since > Usual ? _paused + since - Usual : _paused);
        }
    }

    private static void BeatOn()
    {
        while (true)
        {
            Never.Wait(Beat);
            lock (Beats) (_last, _paused) = Now();
        }
    }
}
