namespace EsPipeline.Core.Tests;

/// <summary>
/// A clock that only moves when it is told to, so that no test waits. Timers fire in the order in which they are due, each at its own
/// moment. Safe for many threads.
/// </summary>
internal sealed class FakeTime : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan LongestRealWait = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan QuietWhileBusy = TimeSpan.FromMilliseconds(50);

    // While the whole machine stands still time passes and nobody gets a processor.
    private const int LooksWhileBusy = 8;
    private static int s_leastBusy = int.MaxValue;

    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private TimeSpan _elapsed;
    private bool _stopped;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far it has been moved.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            lock (_lock) return _elapsed;
        }
    }

    /// <summary>Timers that wait to fire.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _timers.Count;
        }
    }

    public override DateTimeOffset GetUtcNow() => Beginning + Elapsed;

    public override long GetTimestamp() => Elapsed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves on and fires what is due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        var target = Elapsed + by;
        while (FireNext(target))
        {
        }

        lock (_lock) _elapsed = target;
    }

    /// <summary>Moves on to the next timer and fires it.</summary>
    /// <returns>False where none waits, or none until <paramref name="latest"/>.</returns>
    public bool FireNext(TimeSpan? latest = null)
    {
        Timer next;
        lock (_lock)
        {
            if (_stopped || _timers.Count == 0) return false;
            next = _timers.MinBy(t => t.Due)!;
            if (next.Due > latest) return false;
            if (next.Due > _elapsed) _elapsed = next.Due;
            if (next.Period > TimeSpan.Zero) next.Due = _elapsed + next.Period;
            else _timers.Remove(next);
        }

        next.Fire();
        return true;
    }

    /// <summary>Nothing fires any more: whoever waits waits for ever, as in a process that was killed.</summary>
    public void Stop()
    {
        lock (_lock) _stopped = true;
    }

    /// <summary>
    /// Moves on from timer to timer until a task has ended, each time after all threads have done what the moment asked of them: as if
    /// nothing but waiting took time.
    /// </summary>
    public async Task RunAsync(Task task)
    {
        await RunUntilAsync(() => task.IsCompleted);
        await task;
    }

    /// <summary>Moves on in the same way until something is true that other threads bring about, and they have done the rest of that moment, too.</summary>
    public Task RunUntilAsync(Func<bool> condition) => Task.Factory.StartNew(
        () =>
        {
            var started = System.GetTimestamp();
            while (true)
            {
                WaitUntilQuiet();
                if (condition()) return;
                FireNext();
                CheckPatience(started);
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    /// <summary>Moves on from timer to timer until a task has ended.</summary>
    public async Task<T> RunAsync<T>(Task<T> task)
    {
        await RunAsync((Task)task);
        return await task;
    }

    /// <summary>Like <see cref="RunAsync(Task)"/>, but the clock runs while work is being done: faster, and no two runs alike.</summary>
    public async Task RaceAsync(Task task)
    {
        var started = System.GetTimestamp();
        while (!task.IsCompleted)
        {
            for (var i = 0; i < 8 && !task.IsCompleted; i++) await Task.Yield();
            FireNext();
            CheckPatience(started);
        }

        await task;
    }

    /// <summary>Waits, without moving, until something is true that other threads bring about.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        var started = System.GetTimestamp();
        while (!condition())
        {
            await Task.Yield();
            if (System.GetElapsedTime(started) > LongestRealWait) throw new TimeoutException("What was waited for has not come about.");
        }
    }

    // The pool has had nothing to do for a while. One of its threads that has lost its processor, or waits for a disk, does not look busy
    // but for its number; what blocks a thread for good must not stop the clock.
    private static void WaitUntilQuiet()
    {
        var (done, since, looks) = (ThreadPool.CompletedWorkItemCount, System.GetTimestamp(), 0);
        while (BusyThreads() > s_leastBusy ? System.GetElapsedTime(since) < QuietWhileBusy || looks < LooksWhileBusy : System.GetElapsedTime(since) < Quiet)
        {
            Thread.Yield();
            looks++;
            var now = ThreadPool.CompletedWorkItemCount;
            if (now != done || ThreadPool.PendingWorkItemCount > 0) (done, since, looks) = (now, System.GetTimestamp(), 0);
        }
    }

    private static int BusyThreads()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var available, out _);
        s_leastBusy = Math.Min(s_leastBusy, most - available);
        return most - available;
    }

    private void CheckPatience(long started)
    {
        if (System.GetElapsedTime(started) > LongestRealWait) throw new TimeoutException($"After {Elapsed} of fake time the task has still not ended.");
    }

    private sealed class Timer(FakeTime time, TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan Due { get; set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
                if (dueTime < TimeSpan.Zero) return true;
                (Due, Period) = (time._elapsed + dueTime, period);
                time._timers.Add(this);
                return true;
            }
        }

        public void Dispose()
        {
            lock (time._lock) time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
