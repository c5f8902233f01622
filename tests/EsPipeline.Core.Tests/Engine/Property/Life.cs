namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>
/// One life of the process under test: from its start until it is done or killed. Every call that leaves the engine takes steps here; at
/// the ordered step the life ends, and whatever still runs of it waits for ever and changes nothing, as after kill -9.
/// </summary>
internal sealed class Life(int seed, int? killAt)
{
    private readonly Lock _lock = new();
    private readonly Random _random = new(seed);
    private readonly TaskCompletionSource _killed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _never = new();
    private int _steps;

    /// <summary>The clock of this life.</summary>
    public FakeTime Time { get; } = new();

    /// <summary>Completed when this life was ended.</summary>
    public Task Killed => _killed.Task;

    /// <summary>Steps taken.</summary>
    public int Steps => Volatile.Read(ref _steps);

    /// <summary>What was seen that must not be.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>A step without an effect, at which the life may end. Takes a little time, or none.</summary>
    public async Task StepAsync(CancellationToken ct)
    {
        if (Dies()) await _never.Task;
        var pause = Next(10);
        if (pause < 4) await Task.Yield();
        if (pause == 9) await Task.Delay(TimeSpan.FromMilliseconds(Next(50)), Time, ct);
        if (IsOver()) await _never.Task;
    }

    /// <summary>
    /// Does something that lasts beyond this life, all of it or, where the life ends right here, as much of it as <paramref name="effect"/>
    /// does when it is told so.
    /// </summary>
    /// <param name="effect">The effect; true where the life ends in the middle of it. Runs alone.</param>
    public async Task<T> ActAsync<T>(Func<bool, T> effect)
    {
        T result;
        bool dies;
        lock (_lock)
        {
            var over = _killed.Task.IsCompleted;
            dies = over || ++_steps == killAt;
            result = over ? default! : effect(dies);
            if (dies) _killed.TrySetResult();
        }

        if (dies) await _never.Task;
        return result;
    }

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability)
    {
        lock (_lock) return _random.NextDouble() < probability;
    }

    /// <summary>A number from 0 to below <paramref name="limit"/>.</summary>
    public int Next(int limit)
    {
        lock (_lock) return _random.Next(limit);
    }

    /// <summary>Notes something that must not be.</summary>
    public void Violated(string what)
    {
        lock (Violations) Violations.Add(what);
    }

    private bool Dies()
    {
        lock (_lock)
        {
            if (_killed.Task.IsCompleted) return true;
            if (++_steps != killAt) return false;
            _killed.TrySetResult();
            return true;
        }
    }

    private bool IsOver() => _killed.Task.IsCompleted;
}
