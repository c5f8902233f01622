namespace EsPipeline.Api;

/// <summary>
/// What several ask for at once is found out once, and all of them are given it. Nobody is given what was begun before they asked: those who
/// come while it is being found out wait together for the next time, which begins when this one is over. It goes on for as long as one of
/// them waits. Safe for many threads.
/// </summary>
/// <param name="patience">How long the next time waits for the one before; after that both go on side by side.</param>
/// <param name="time">The clock.</param>
/// <typeparam name="T">What is found out; where it can be disposed of, it is when the last one has done with it.</typeparam>
internal sealed class SingleFlight<T>(TimeSpan patience, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Flight> _newest = [];

    /// <summary>Waits for what is about to be found out, or finds it out.</summary>
    /// <param name="key">What is asked for; whoever gives the same is given the same.</param>
    /// <param name="find">Finds it out; what it throws, all of them get.</param>
    /// <param name="use">What this one does with it; several may at the same time.</param>
    /// <param name="ct">Ends this one's waiting, and the finding out where nobody else waits.</param>
    public async Task JoinAsync(string key, Func<CancellationToken, Task<T>> find, Func<T, Task> use, CancellationToken ct)
    {
        Flight? flight, before = null;
        var first = false;
        lock (_lock)
        {
            if (!_newest.TryGetValue(key, out flight) || flight.HasBegun)
            {
                (before, first) = (flight, true);
                _newest[key] = flight = new Flight();
            }

            flight.Waiting++;
        }

        if (first) _ = FlyAsync(key, flight, before, find);
        try
        {
            await use(await flight.Found.Task.WaitAsync(ct).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            Leave(key, flight);
        }
    }

    private async Task FlyAsync(string key, Flight flight, Flight? before, Func<CancellationToken, Task<T>> find)
    {
        Action land;
        try
        {
            if (before is not null) await before.WaitAsync(patience, time, flight.Deserted.Token).ConfigureAwait(false);
            lock (_lock) flight.HasBegun = true;
            var found = await find(flight.Deserted.Token).ConfigureAwait(false);
            flight.ToDispose = found as IDisposable;
            land = () => flight.Found.SetResult(found);
        }
#pragma warning disable CA1031 // Whatever it is, it is thrown to everyone who waits.
        catch (Exception e)
#pragma warning restore CA1031
        {
            land = () => flight.Found.SetException(e);
        }

        bool deserted;
        lock (_lock)
        {
            Forget(key, flight);
            flight.HasLanded = true;
            deserted = flight.Waiting == 0;
        }

        land();
        if (deserted) flight.ToDispose?.Dispose();
    }

    private void Leave(string key, Flight flight)
    {
        bool landed;
        lock (_lock)
        {
            if (--flight.Waiting > 0) return;
            Forget(key, flight);
            landed = flight.HasLanded;
        }

        if (landed) flight.ToDispose?.Dispose();
        else flight.Deserted.Cancel();
    }

    private void Forget(string key, Flight flight)
    {
        if (_newest.GetValueOrDefault(key) == flight) _newest.Remove(key);
    }

    // What was found is disposed of by whoever comes last: one that waited, or where none does any more, its end.
    private sealed class Flight
    {
        public TaskCompletionSource<T> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Never disposed of: the last to leave may cancel it while it ends, and without a timer it holds nothing.</summary>
        public CancellationTokenSource Deserted { get; } = new();

        public IDisposable? ToDispose { get; set; }

        public int Waiting { get; set; }

        public bool HasBegun { get; set; }

        public bool HasLanded { get; set; }

        public async Task WaitAsync(TimeSpan longest, TimeProvider time, CancellationToken ct)
        {
            await ((Task)Found.Task).WaitAsync(longest, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ct.ThrowIfCancellationRequested();
        }
    }
}
