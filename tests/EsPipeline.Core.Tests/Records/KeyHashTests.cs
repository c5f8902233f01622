using System.Text;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Records;

public sealed class KeyHashTests
{
    [Fact]
    public void It_is_the_same_in_every_process_and_release()
    {
        // Shards and fingerprints in checkpoints are made of it: these numbers never change.
        var hashes = new List<string>();
        foreach (var length in (int[])[0, 1, 3, 4, 7, 8, 15, 16, 17, 32, 43])
        {
            hashes.Add($"{KeyHash.Compute64("the quick brown fox jumps over the lazy dog"u8[..length], 0):x16}");
        }

        const string golden =
            "2195f416129d8d71 e96b07796c6c212e c5a63accb9aad356 ae67d28cf762e970 f2b93b8f2d67cbd3 e337ec5fd403fc58 "
            + "60caa2cbdb524ff0 7d2b4f618e579fa6 6e869c6746091919 0d9384de52dd4b58 78fdb05b81cc3562";
        Assert.Equal(golden, string.Join(' ', hashes));
        Assert.Equal((ulong)KeyHash.Compute("key"u8, 5), KeyHash.Compute64("key"u8, 5));
    }

    [Fact]
    public void Keys_of_every_common_shape_do_not_collide()
    {
        var shapes = new (string Name, Func<int, string> Key)[]
        {
            ("numbers", i => $"{i}"), ("padded", i => $"{i:00000000}"), ("prefixed", i => $"user-{i}"), ("suffixed", i => $"{i}-user-account-of-the-shop"),
            ("hex", i => $"{i:x}"), ("long", i => new string('k', 100) + i), ("two parts", i => $"{i % 1000}/{i / 1000}"), ("guid-like", i => $"{(uint)i * 2654435761u:x8}-0000-4000-8000-{i:x12}"),
        };
        foreach (var (name, key) in shapes)
        {
            var seen = new HashSet<ulong>();
            for (var i = 0; i < 200_000; i++) Assert.True(seen.Add(KeyHash.Compute64(Encoding.ASCII.GetBytes(key(i)), 0)), $"{name}: {key(i)}");
        }
    }

    [Fact]
    public void Every_bit_of_a_key_of_any_length_counts()
    {
        for (var length = 1; length <= 70; length++)
        {
            var key = Enumerable.Range(0, length).Select(i => (byte)(i * 37)).ToArray();
            var seen = new HashSet<UInt128> { KeyHash.Compute(key, 0) };
            for (var bit = 0; bit < length * 8; bit++)
            {
                key[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.True(seen.Add(KeyHash.Compute(key, 0)), $"{length} bytes, bit {bit}");
                key[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
    }

    [Fact]
    public void Keys_of_zeros_differ_by_their_length()
    {
        var seen = new HashSet<UInt128>();
        for (var length = 0; length < 200; length++) Assert.True(seen.Add(KeyHash.Compute(new byte[length], 0)));
    }

    [Fact]
    public void Flipping_one_bit_of_the_key_flips_about_half_of_the_hash()
    {
        var random = new Random(1);
        var (flips, tries) = (0, 0);
        for (var i = 0; i < 2000; i++)
        {
            var key = new byte[random.Next(1, 60)];
            random.NextBytes(key);
            var before = KeyHash.Compute(key, 0);
            key[random.Next(key.Length)] ^= (byte)(1 << random.Next(8));
            flips += (int)UInt128.PopCount(before ^ KeyHash.Compute(key, 0));
            tries++;
        }

        Assert.InRange((double)flips / tries, 63, 65);
    }

    [Fact]
    public void Keys_fall_evenly_into_any_number_of_shards()
    {
        foreach (var count in (int[])[2, 3, 4, 7, 16, 64, 100])
        {
            var shards = Enumerable.Range(0, count).Select(i => new Shard(i, count)).ToArray();
            var sizes = new int[count];
            const int keys = 100_000;
            for (var i = 0; i < keys; i++)
            {
                var key = Encoding.ASCII.GetBytes($"order-{i}");
                var mine = Enumerable.Range(0, count).Where(s => shards[s].Has(key)).ToArray();
                sizes[Assert.Single(mine)]++;
            }

            // Within five standard deviations of an even spread.
            var mean = (double)keys / count;
            Assert.All(sizes, s => Assert.InRange(s, mean - (5 * Math.Sqrt(mean)), mean + (5 * Math.Sqrt(mean))));
        }

        Assert.True(new Shard(0, 1).Has("anything"u8));
    }

    [Fact]
    public void Another_seed_is_another_hash()
    {
        var hashes = Enumerable.Range(0, 10_000).Select(seed => KeyHash.Compute("key"u8, (ulong)seed)).ToHashSet();
        Assert.Equal(10_000, hashes.Count);
    }

    [Fact]
    public void Keys_are_compared_by_their_bytes()
    {
        var keys = new Dictionary<byte[], int>(KeyComparer.Instance) { ["ab"u8.ToArray()] = 1, [[]] = 2 };
        Assert.Equal(1, keys["ab"u8.ToArray()]);
        Assert.Equal(1, keys.GetAlternateLookup<ReadOnlySpan<byte>>()["ab"u8]);
        Assert.Equal(2, keys[[]]);
        Assert.False(keys.ContainsKey("AB"u8.ToArray()));
        keys.GetAlternateLookup<ReadOnlySpan<byte>>()["new"u8] = 3;
        Assert.Equal(3, keys["new"u8.ToArray()]);
    }
}
