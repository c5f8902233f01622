using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Microsoft.Win32.SafeHandles;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// A set of 128-bit hashes at 16 bytes each, in parts that grow one by one, so that growing never takes twice the memory. The slots lie
/// outside of the collected heap: what has been outgrown is given back at once.
/// </summary>
internal sealed class KeySet
{
    private const int Parts = 64;

    private readonly Part[] _parts = [.. Enumerable.Range(0, Parts).Select(_ => new Part())];

    /// <summary>How many hashes it holds.</summary>
    public long Count { get; private set; }

    /// <summary>True where the set holds a hash.</summary>
    public bool Contains(UInt128 hash) => PartOf(hash).Contains(Slot(hash));

    /// <summary>Has the processor load the place of a hash that will be asked for soon: in a large set each question is a cache miss.</summary>
    public void Prefetch(UInt128 hash) => PartOf(hash).Prefetch(Slot(hash));

    /// <summary>Adds a hash.</summary>
    /// <returns>False where it was there already.</returns>
    public bool Add(UInt128 hash)
    {
        if (!PartOf(hash).Add(Slot(hash))) return false;
        Count++;
        return true;
    }

    /// <summary>Removes hashes, in time proportional to the whole set: for the rare write that failed after its keys were noted.</summary>
    public void Remove(IEnumerable<UInt128> hashes)
    {
        var gone = hashes.Select(Slot).ToHashSet();
        foreach (var part in _parts) part.Remove(gone);
        Count = _parts.Sum(p => p.Count);
    }

    // 0 is an empty slot.
    private static UInt128 Slot(UInt128 hash) => UInt128.Max(hash, 1);

    private Part PartOf(UInt128 hash) => _parts[(int)(hash >> 64) & (Parts - 1)];

    /// <summary>Open addressing, at most three quarters full.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "The slots go with the part, never before: a writer that is left behind when a run is cut short may still ask.")]
    private sealed unsafe class Part
    {
        private Slots _slots = new(64);
        private UInt128* _first;
        private ulong _mask = 63;

        public Part() => _first = _slots.First;

        public long Count { get; private set; }

        public bool Contains(UInt128 hash)
        {
            for (var at = (ulong)hash & _mask; _first[at] != 0; at = (at + 1) & _mask)
            {
                if (_first[at] == hash) return true;
            }

            return false;
        }

        public void Prefetch(UInt128 hash)
        {
            if (Sse.IsSupported) Sse.Prefetch0(_first + ((ulong)hash & _mask));
        }

        public bool Add(UInt128 hash)
        {
            if ((ulong)(Count + 1) * 4 > (_mask + 1) * 3) Rebuild((_mask + 1) * 2, without: null);
            return Insert(hash);
        }

        public void Remove(HashSet<UInt128> gone) => Rebuild(_mask + 1, gone);

        private bool Insert(UInt128 hash)
        {
            var at = (ulong)hash & _mask;
            for (; _first[at] != 0; at = (at + 1) & _mask)
            {
                if (_first[at] == hash) return false;
            }

            _first[at] = hash;
            Count++;
            return true;
        }

        private void Rebuild(ulong slots, HashSet<UInt128>? without)
        {
            using var old = _slots;
            var oldMask = _mask;
            (_slots, _mask, Count) = (new Slots(slots), slots - 1, 0);
            _first = _slots.First;
            for (ulong i = 0; i <= oldMask; i++)
            {
                var hash = old.First[i];
                if (hash != 0 && without?.Contains(hash) != true) Insert(hash);
            }
        }
    }

    private sealed unsafe class Slots : SafeHandleZeroOrMinusOneIsInvalid
    {
        public Slots(ulong count)
            : base(ownsHandle: true) => SetHandle((nint)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(UInt128)));

        public UInt128* First => (UInt128*)handle;

        protected override bool ReleaseHandle()
        {
            NativeMemory.Free(First);
            return true;
        }
    }
}
