using EsPipeline.Connectors.Files;
using ICSharpCode.SharpZipLib.Zip.Compression;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// What Hadoop calls deflate: zlib, with as many streams one after the other as there are, then zeros or the end. Anything else, and a file of
/// no bytes at all, is damaged.
/// </summary>
/// <remarks>The runtime's own unpacker does not say where a stream ends, and passes over what follows in silence.</remarks>
/// <param name="inner">The packed bytes; disposed with this.</param>
internal sealed class ZlibMembers(Stream inner) : ForwardStream
{
    private readonly Inflater _unpacker = new();
    private readonly byte[] _packed = new byte[64 << 10];
    private readonly byte[] _content = new byte[64 << 10];
    private int _packedEnd;
    private bool _begun;
    private bool _atEnd;

    /// <exception cref="InvalidDataException">It is damaged; also <see cref="ICSharpCode.SharpZipLib.SharpZipBaseException"/>.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (!_atEnd && buffer.Length > 0)
        {
            var read = _unpacker.Inflate(_content, 0, Math.Min(_content.Length, buffer.Length));
            if (read > 0)
            {
                _content.AsSpan(0, read).CopyTo(buffer);
                return read;
            }

            if (_unpacker.IsFinished) BeginNext();
            else if (_unpacker.IsNeedingDictionary) throw new InvalidDataException("it needs a dictionary, which Hadoop never writes");
            else if (!Fill()) throw new InvalidDataException(_begun ? "it ends in the middle of a stream" : "it is empty, and packed files never are");
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    // What is left over begins another stream, or is zeros to the end.
    private void BeginNext()
    {
        var left = _unpacker.RemainingInput;
        _unpacker.Reset();
        if (left > 0) _unpacker.SetInput(_packed, _packedEnd - left, left);
        else if (Fill()) left = _packedEnd;
        else _atEnd = true;
        if (!_atEnd && _packed[_packedEnd - left] == 0) PassOverZeros(_packedEnd - left);
    }

    private void PassOverZeros(int start)
    {
        for (var zeros = _packed.AsSpan(start, _packedEnd - start); zeros.Length > 0; zeros = _packed.AsSpan(0, inner.Read(_packed)))
        {
            if (zeros.ContainsAnyExcept((byte)0)) throw new InvalidDataException("after one of its streams comes something that is no other one");
        }

        _atEnd = true;
    }

    private bool Fill()
    {
        _packedEnd = inner.Read(_packed);
        if (_packedEnd == 0) return false;
        _unpacker.SetInput(_packed, 0, _packedEnd);
        _begun = true;
        return true;
    }
}
