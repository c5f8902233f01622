namespace EsPipeline.Connectors.Tests.Files;

/// <summary>A clock that stands still, and moves on at once by what somebody waits for.</summary>
internal sealed class FileClock : TimeProvider
{
    /// <summary>A clock by which no file has been written to for an hour.</summary>
    public static FileClock Later => new() { Now = System.GetUtcNow().AddHours(1) };

    /// <summary>What time it is.</summary>
    public DateTimeOffset Now { get; set; } = System.GetUtcNow();

    /// <summary>How often somebody has waited.</summary>
    public int Waits { get; private set; }

    /// <summary>What happens while somebody waits.</summary>
    public Action OnWait { get; set; } = () => { };

    public override DateTimeOffset GetUtcNow() => Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime > TimeSpan.Zero)
        {
            Now += dueTime;
            Waits++;
            OnWait();
        }

        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
