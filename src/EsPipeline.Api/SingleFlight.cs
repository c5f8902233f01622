namespace EsPipeline.Api;

/// <summary>
/// What several ask for at the same moment is found out once, and all of them are given it. Whoever asks later than
/// <paramref name="joinable"/> after it was begun has it found out anew, so that nobody is given anything older than that. It goes on for as
/// long as one of them waits. Safe for many threads.
/// </summary>
/// <param name="joinable">For how long after it was begun others may join.</param>
/// <param name="time">The clock.</param>
internal sealed class SingleFlight<T>(TimeSpan joinable, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Flight> _flights = [];

    /// <summary>Waits for what is being found out already, or finds it out.</summary>
    /// <param name="key">What is asked for; whoever gives the same is given the same.</param>
    /// <param name="find">Finds it out; what it throws, all of them get.</param>
    /// <param name="ct">Ends this one's waiting, and the finding out where nobody else waits.</param>
    public async Task<T> JoinAsync(string key, Func<CancellationToken, Task<T>> find, CancellationToken ct)
    {
        Flight? flight;
        var first = false;
        lock (_lock)
        {
            if (!_flights.TryGetValue(key, out flight) || time.GetElapsedTime(flight.Began) >= joinable)
            {
                _flights[key] = flight = new Flight(time.GetTimestamp());
                first = true;
            }

            flight.Waiting++;
        }

        if (first) _ = FlyAsync(key, flight, find);
        try
        {
            return await flight.Found.Task.WaitAsync(ct).ConfigureAwait(false);
        }
        finally
        {
            Leave(key, flight);
        }
    }

    private async Task FlyAsync(string key, Flight flight, Func<CancellationToken, Task<T>> find)
    {
        Action land;
        try
        {
            var found = await find(flight.Deserted.Token).ConfigureAwait(false);
            land = () => flight.Found.SetResult(found);
        }
#pragma warning disable CA1031 // Whatever it is, it is thrown to everyone who waits.
        catch (Exception e)
#pragma warning restore CA1031
        {
            land = () => flight.Found.SetException(e);
        }

        // Nobody joins any more once it is known: what comes later is newer.
        bool deserted;
        lock (_lock)
        {
            Remove(key, flight);
            flight.HasLanded = true;
            deserted = flight.Waiting == 0;
        }

        land();
        if (!deserted) flight.Dispose();
    }

    private void Leave(string key, Flight flight)
    {
        lock (_lock)
        {
            if (--flight.Waiting > 0 || flight.HasLanded) return;
            Remove(key, flight);
        }

        flight.Deserted.Cancel();
        flight.Dispose();
    }

    private void Remove(string key, Flight flight)
    {
        if (_flights.GetValueOrDefault(key) == flight) _flights.Remove(key);
    }

    // Disposed of by the one that comes last: whoever cancels it, or else its end.
    private sealed class Flight(long began) : IDisposable
    {
        public long Began { get; } = began;

        public TaskCompletionSource<T> Found { get; } = new();

        public CancellationTokenSource Deserted { get; } = new();

        public int Waiting { get; set; }

        public bool HasLanded { get; set; }

        public void Dispose() => Deserted.Dispose();
    }
}
