using System.Runtime.Intrinsics.X86;

namespace EsPipeline.Connectors.Files;

/// <summary>A set of 128-bit hashes at 16 bytes each: open addressing, at most three quarters full.</summary>
internal sealed class KeySet
{
    private UInt128[] _slots = new UInt128[1024];

    /// <summary>How many hashes it holds.</summary>
    public long Count { get; private set; }

    /// <summary>True where the set holds a hash.</summary>
    public bool Contains(UInt128 hash)
    {
        if (hash == 0) hash = 1;
        var mask = (ulong)_slots.LongLength - 1;
        for (var at = (ulong)hash & mask; _slots[at] != 0; at = (at + 1) & mask)
        {
            if (_slots[at] == hash) return true;
        }

        return false;
    }

    /// <summary>Has the processor load the place of a hash that will be asked for soon: in a large set each question is a cache miss.</summary>
    public unsafe void Prefetch(UInt128 hash)
    {
        if (!Sse.IsSupported) return;
        fixed (UInt128* slots = _slots) Sse.Prefetch0(slots + ((ulong)hash & ((ulong)_slots.LongLength - 1)));
    }

    /// <summary>Adds a hash.</summary>
    /// <returns>False where it was there already.</returns>
    public bool Add(UInt128 hash)
    {
        if (hash == 0) hash = 1;
        if ((Count + 1) * 4 > _slots.LongLength * 3) Grow();
        if (!Insert(_slots, hash)) return false;
        Count++;
        return true;
    }

    /// <summary>Removes hashes, in time proportional to the whole set: for the rare write that failed after its keys were noted.</summary>
    public void Remove(IEnumerable<UInt128> hashes)
    {
        var gone = hashes.Select(h => h == 0 ? 1 : h).ToHashSet();
        var slots = new UInt128[_slots.LongLength];
        Count = 0;
        foreach (var hash in _slots)
        {
            if (hash != 0 && !gone.Contains(hash) && Insert(slots, hash)) Count++;
        }

        _slots = slots;
    }

    private static bool Insert(UInt128[] slots, UInt128 hash)
    {
        var mask = (ulong)slots.LongLength - 1;
        for (var at = (ulong)hash & mask; ; at = (at + 1) & mask)
        {
            ref var slot = ref slots[at];
            if (slot == hash) return false;
            if (slot != 0) continue;
            slot = hash;
            return true;
        }
    }

    private void Grow()
    {
        var larger = new UInt128[_slots.LongLength * 2];
        foreach (var hash in _slots)
        {
            if (hash != 0) Insert(larger, hash);
        }

        _slots = larger;
    }
}
