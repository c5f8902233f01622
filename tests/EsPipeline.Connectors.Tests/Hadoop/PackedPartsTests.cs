using System.Text;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Hadoop;
using ICSharpCode.SharpZipLib;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>What may follow a packed stream in one file, and what is damage there.</summary>
public sealed class PackedPartsTests
{
    private static readonly byte[] First = Text(1, 100);
    private static readonly byte[] Second = Text(2, 100);

    public static TheoryData<string> Endings => [".gz", ".deflate", ".bz2", ".zst"];

    [Theory]
    [MemberData(nameof(Endings))]
    public void Parts_that_follow_each_other_are_all_read(string ending)
    {
        byte[] packed = [.. Pack(ending, First), .. Pack(ending, []), .. Pack(ending, Second)];
        foreach (var piece in (int[])[1, 2, 7, 1000, int.MaxValue]) Assert.Equal([.. First, .. Second], Unpack(ending, packed, piece));
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task And_by_an_asynchronous_reader(string ending)
    {
        using var content = new MemoryStream();
        await using var stream = Packing.Unpack(Named(ending), new Piecewise([.. Pack(ending, First), .. Pack(ending, Second)], 100));
        await stream.CopyToAsync(content, TestContext.Current.CancellationToken);
        Assert.Equal([.. First, .. Second], content.ToArray());
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public void One_wrong_bit_where_a_part_begins_never_ends_the_file_in_silence(string ending)
    {
        var first = Pack(ending, First);
        byte[] packed = [.. first, .. Pack(ending, Second)];
        for (var bit = 0; bit < 32; bit++)
        {
            byte[] wrong = [.. packed];
            wrong[first.Length + (bit / 8)] ^= (byte)(1 << (bit % 8));
            foreach (var piece in (int[])[1, first.Length, int.MaxValue])
            {
                if (TryUnpack(ending, wrong, piece) is { } content) Assert.Equal([.. First, .. Second], content);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public void Anything_else_after_a_part_is_damage(string ending)
    {
        var packed = Pack(ending, First);
        foreach (var rest in (byte[][])[[1], [.. "rest"u8], [0x1F], [0x1F, 0], [0x1F, 0x8B], [0x78], [0x78, 0x9C], [0, 0, 0, 1], [0, .. packed], new byte[20_000].Append((byte)1).ToArray()])
        {
            foreach (var piece in (int[])[1, 3, packed.Length, packed.Length + 1, int.MaxValue])
            {
                Assert.True(TryUnpack(ending, [.. packed, .. rest], piece) is null, $"{Convert.ToHexString(rest.AsSpan(0, Math.Min(rest.Length, 8)))} in pieces of {piece}");
            }
        }
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".deflate")]
    public void Zeros_to_the_end_are_padding(string ending)
    {
        // What ends with zeros itself: nothing at all has a checksum and a length of zeros in gzip.
        foreach (var text in (byte[][])[First, [], new byte[70_000]])
        {
            foreach (var zeros in (int[])[1, 2, 511, 100_000])
            {
                foreach (var piece in (int[])[1, 3, int.MaxValue]) Assert.Equal(text, Unpack(ending, [.. Pack(ending, text), .. new byte[zeros]], piece));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public void Cut_off_at_any_byte_it_is_damaged_and_what_came_before_was_read(string ending)
    {
        var first = Pack(ending, First);
        byte[] packed = [.. first, .. Pack(ending, Second)];
        for (var length = ending == ".zst" ? 1 : 0; length < packed.Length; length++)
        {
            if (length == first.Length) continue;
            var content = new MemoryStream();
            var damaged = Record.Exception(() => Copy(ending, packed[..length], int.MaxValue, content));
            Assert.True(IsDamage(damaged), $"cut off at {length} of {packed.Length}");
            if (length > first.Length) Assert.True(content.Length >= First.Length, $"{content.Length} bytes read of what was cut off at {length}");
        }
    }

    [Fact]
    public void A_gzip_file_of_no_bytes_is_empty_only_where_the_runtime_may_have_written_it()
    {
        Assert.Throws<InvalidDataException>(() => Unpack(".gz", [], 1));
        using var stream = new GzipMembers(new MemoryStream(), mayBeNothing: true);
        Assert.Equal(-1, stream.ReadByte());
    }

    private static byte[] Text(int seed, int lines)
    {
        var random = new Random(seed);
        return Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, lines).Select(i => $"word {random.Next()}\t{i}\n")));
    }

    private static byte[] Pack(string ending, byte[] text)
    {
        // The runtime's packers write nothing for nothing.
        if (text.Length == 0 && ending == ".gz") return Convert.FromHexString("1F8B080000000000000303000000000000000000");
        if (text.Length == 0 && ending == ".deflate") return Convert.FromHexString("789C030000000001");
        return PackingTests.Packed(ending, text);
    }

    private static byte[] Unpack(string ending, byte[] packed, int piece)
    {
        var content = new MemoryStream();
        Copy(ending, packed, piece, content);
        return content.ToArray();
    }

    // Null where it is damaged.
    private static byte[]? TryUnpack(string ending, byte[] packed, int piece)
    {
        try
        {
            return Unpack(ending, packed, piece);
        }
        catch (Exception e) when (IsDamage(e))
        {
            return null;
        }
    }

    private static bool IsDamage(Exception? e) => e is InvalidDataException or EndOfStreamException or SharpZipBaseException;

    private static void Copy(string ending, byte[] packed, int piece, Stream content)
    {
        using var stream = Packing.Unpack(Named(ending), new Piecewise(packed, piece));
        stream.CopyTo(content, 4096);
    }

    private static StoredObject Named(string ending) => new($"part-00000{ending}", 1, "tag");

    // Gives at most so many bytes at once.
    private sealed class Piecewise(byte[] bytes, int most) : ForwardStream
    {
        private int _at;

        public override int Read(Span<byte> buffer)
        {
            var length = Math.Min(Math.Min(buffer.Length, most), bytes.Length - _at);
            bytes.AsSpan(_at, length).CopyTo(buffer);
            _at += length;
            return length;
        }
    }
}
