using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>
/// A set of keys in a fixed 16 MiB (a Bloom filter with 7 bits a key): a key that was added is always found; of others, 1 in 100 among ten
/// million, fewer among fewer. Adding and asking do not go at the same time.
/// </summary>
internal sealed class KeySketch(ulong seed)
{
    private const int Probes = 7;
    private const int Words = 1 << 21;
    private const ulong Mask = ((ulong)Words * 64) - 1;

    private ulong[]? _bits;

    /// <summary>Keys added.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a key.</summary>
    public void Add(ReadOnlySpan<byte> key)
    {
        _bits ??= new ulong[Words];
        var hash = KeyHash.Compute(key, seed);
        var (at, step) = ((ulong)hash, (ulong)(hash >> 64) | 1);
        for (var i = 0; i < Probes; i++, at += step) _bits[(at & Mask) >> 6] |= 1UL << (int)(at & 63);
        Count++;
    }

    /// <summary>False where a key was not added.</summary>
    public bool MayHave(ReadOnlySpan<byte> key)
    {
        if (_bits is null) return false;
        var hash = KeyHash.Compute(key, seed);
        var (at, step) = ((ulong)hash, (ulong)(hash >> 64) | 1);
        for (var i = 0; i < Probes; i++, at += step)
        {
            if ((_bits[(at & Mask) >> 6] & (1UL << (int)(at & 63))) == 0) return false;
        }

        return true;
    }
}
