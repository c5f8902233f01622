using System.Buffers.Binary;
using EsPipeline.Connectors.Files;
using IronSnappy;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// Hadoop's framing of snappy (<c>BlockCompressorStream</c>): the length of a block's content, big-endian in four bytes, then chunks of packed
/// bytes, each after its length, until the content is complete.
/// </summary>
internal sealed class HadoopSnappyStream(Stream inner) : ForwardStream
{
    // Hadoop's own blocks have 256 KiB; more than this is not one, and nobody is to make us set it aside.
    private const int LargestBlock = 64 << 20;

    private readonly byte[] _length = new byte[4];
    private ReadOnlyMemory<byte> _content;
    private int _left;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_content.IsEmpty)
        {
            if (!await NextChunkAsync(cancellationToken).ConfigureAwait(false)) return 0;
        }

        var length = Math.Min(buffer.Length, _content.Length);
        _content[..length].CopyTo(buffer);
        _content = _content[length..];
        return length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer) => throw new NotSupportedException("It is read asynchronously only.");

    private async ValueTask<bool> NextChunkAsync(CancellationToken ct)
    {
        if (_left == 0)
        {
            var read = await inner.ReadAtLeastAsync(_length, _length.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
            if (read == 0) return false;
            if (read < _length.Length) throw new InvalidDataException("it ends in the middle of a block's length");
            _left = LengthOf(_length);
            if (_left == 0) return true;
        }

        await FillAsync(_length, ct).ConfigureAwait(false);
        var packed = new byte[LengthOf(_length)];
        await FillAsync(packed, ct).ConfigureAwait(false);
        if (ContentLength(packed) > _left) throw new InvalidDataException("a chunk holds more than its block");
        _content = Unpack(packed);
        _left -= _content.Length;
        return true;
    }

    private static byte[] Unpack(byte[] packed)
    {
        try
        {
            return Snappy.Decode(packed);
        }
        catch (Exception e) when (e is IOException or IndexOutOfRangeException or ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException("a chunk is not snappy", e);
        }
    }

    private async ValueTask FillAsync(byte[] bytes, CancellationToken ct)
    {
        var read = await inner.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
        if (read < bytes.Length) throw new InvalidDataException("it ends in the middle of a block");
    }

    private static int LengthOf(byte[] bigEndian)
    {
        var length = BinaryPrimitives.ReadUInt32BigEndian(bigEndian);
        return length <= LargestBlock ? (int)length : throw new InvalidDataException("it is not in Hadoop's framing of snappy");
    }

    // A snappy chunk begins with the length of its content, seven bits a byte, the lowest first.
    private static long ContentLength(byte[] packed)
    {
        long length = 0;
        for (var i = 0; i < packed.Length && i < 5; i++)
        {
            length |= (long)(packed[i] & 0x7F) << (7 * i);
            if (packed[i] < 0x80) return length;
        }

        throw new InvalidDataException("a chunk is not snappy");
    }
}
