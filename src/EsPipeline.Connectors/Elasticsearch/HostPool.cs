namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>The addresses of one cluster, taken in turn. One that failed is left alone for a while, unless all have. Safe for many threads.</summary>
/// <param name="addresses">The addresses.</param>
/// <param name="time">The clock.</param>
internal sealed class HostPool(IReadOnlyList<ClusterAddress> addresses, TimeProvider time)
{
    /// <summary>How long a host is left alone at first; doubled with each failure in a row, up to <see cref="LongestRest"/>.</summary>
    public static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(5);

    /// <summary>The longest that a host is left alone.</summary>
    public static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly (int Failures, DateTimeOffset RestsUntil)[] _states = new (int, DateTimeOffset)[addresses.Count];
    private int _turn = -1;

    /// <summary>How many there are.</summary>
    public int Count => addresses.Count;

    /// <summary>The next address to ask: the next in turn that does not rest, or the one that has rested longest where all do.</summary>
    public ClusterAddress Next()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            for (var i = 1; i <= addresses.Count; i++)
            {
                var at = (_turn + i) % addresses.Count;
                if (_states[at].RestsUntil > now) continue;
                _turn = at;
                return addresses[at];
            }

            _turn = Array.IndexOf(_states, _states.MinBy(s => s.RestsUntil));
            return addresses[_turn];
        }
    }

    /// <summary>An address answered.</summary>
    public void Answered(ClusterAddress address)
    {
        lock (_lock) _states[IndexOf(address)] = default;
    }

    /// <summary>An address could not be reached, or was not able to answer.</summary>
    public void Failed(ClusterAddress address)
    {
        lock (_lock)
        {
            ref var state = ref _states[IndexOf(address)];
            var rest = TimeSpan.FromTicks(Math.Min(LongestRest.Ticks, FirstRest.Ticks << Math.Min(state.Failures, 10)));
            state = (state.Failures + 1, time.GetUtcNow() + rest);
        }
    }

    private int IndexOf(ClusterAddress address)
    {
        for (var i = 0; i < addresses.Count; i++)
        {
            if (ReferenceEquals(addresses[i], address)) return i;
        }

        throw new ArgumentException("Not one of this pool's addresses.", nameof(address));
    }
}
