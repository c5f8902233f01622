using EsPipeline.Core.Records;

namespace EsPipeline.Core.Planning;

/// <summary>
/// Where each key stood first: 16 bytes a key, half of it 64 bits of its hash, so that among a million keys two different ones are taken for
/// the same with a chance of 1 in 37 million. Holds a fixed number of keys at most (invariant 5). Not thread-safe.
/// </summary>
/// <param name="most">How many keys are remembered.</param>
/// <param name="seed">The hash's seed.</param>
internal sealed class KeyMemory(long most, ulong seed)
{
    private const int PlaceBits = 48;
    private const long PlaceMask = (1L << PlaceBits) - 1;

    private readonly List<string> _units = [];
    private (ulong Hash, ulong Place)[] _slots = new (ulong, ulong)[1024];
    private long _count;

    /// <summary>False once a key was not remembered because there are too many.</summary>
    public bool Complete { get; private set; } = true;

    /// <summary>Notes a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="unit">What its place counts: <c>people.csv line</c>.</param>
    /// <param name="place">Its place.</param>
    /// <returns>Where it stood first; null where this is the first time.</returns>
    public string? FirstPlaceOf(ReadOnlySpan<byte> key, string unit, long place)
    {
        var hash = Math.Max(1, KeyHash.Compute64(key, seed));
        var at = Find(_slots, hash);
        if (_slots[at].Hash == hash) return $"{_units[(int)(_slots[at].Place >> PlaceBits)]} {(long)_slots[at].Place & PlaceMask}";
        if (_count >= most || UnitOf(unit) is not { } number)
        {
            Complete = false;
            return null;
        }

        if ((_count + 1) * 4 > _slots.LongLength * 3) at = Grow(hash);
        _slots[at] = (hash, ((ulong)number << PlaceBits) | (ulong)(place & PlaceMask));
        _count++;
        return null;
    }

    private static long Find((ulong Hash, ulong Place)[] slots, ulong hash)
    {
        var mask = slots.LongLength - 1;
        var at = (long)hash & mask;
        while (slots[at].Hash != 0 && slots[at].Hash != hash) at = (at + 1) & mask;
        return at;
    }

    private long Grow(ulong hash)
    {
        var larger = new (ulong Hash, ulong Place)[_slots.LongLength * 2];
        foreach (var slot in _slots.Where(s => s.Hash != 0)) larger[Find(larger, slot.Hash)] = slot;
        _slots = larger;
        return Find(_slots, hash);
    }

    // Records of one unit come together, so the last one is the likely one; null where there are more units than a place has room for.
    private int? UnitOf(string unit)
    {
        if (_units.Count > 0 && _units[^1] == unit) return _units.Count - 1;
        var at = _units.IndexOf(unit);
        if (at >= 0) return at;
        if (_units.Count > ushort.MaxValue) return null;
        _units.Add(unit);
        return _units.Count - 1;
    }
}
