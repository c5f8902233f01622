using EsPipeline.Connectors.Files;
using ICSharpCode.SharpZipLib.BZip2;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>bzip2, with as many streams one after the other as there are: several packers write one for each block.</summary>
internal sealed class Bzip2Stream(Stream inner) : ForwardStream
{
    // Read and disposed on different threads where a read was given up.
    private readonly Lock _inUse = new();
    private readonly LookAhead _input = new(inner);
    private BZip2InputStream? _member;
    private bool _atEnd;

    public override int Read(Span<byte> buffer)
    {
        lock (_inUse)
        {
            while (!_atEnd && buffer.Length > 0)
            {
                _member ??= new BZip2InputStream(_input) { IsStreamOwner = false };
                var read = _member.Read(buffer);
                if (read > 0) return read;
                _member.Dispose();
                _member = null;
                _atEnd = _input.IsAtEnd();
            }

            return 0;
        }
    }

    protected override void Dispose(bool disposing)
    {
        lock (_inUse)
        {
            _member?.Dispose();
            _member = null;
            _atEnd = true;
        }

        base.Dispose(disposing);
    }

    /// <summary>The input, of which one byte may be looked at. The unpacker takes byte by byte, and never one too many.</summary>
    private sealed class LookAhead(Stream inner) : ForwardStream
    {
        private int _byte = -1;

        public bool IsAtEnd() => _byte < 0 && (_byte = inner.ReadByte()) < 0;

        public override int ReadByte()
        {
            if (_byte < 0) return inner.ReadByte();
            var first = _byte;
            _byte = -1;
            return first;
        }

        public override int Read(Span<byte> buffer)
        {
            if (buffer.IsEmpty || ReadByte() is not (>= 0 and var value)) return 0;
            buffer[0] = (byte)value;
            return 1;
        }
    }
}
