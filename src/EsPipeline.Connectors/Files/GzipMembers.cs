using System.IO.Compression;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// gzip, with as many members as there are, to the last byte: after a member comes another one, or zeros to the end (what tapes and some
/// copiers fill up with), or the end. Anything else is damaged.
/// </summary>
/// <remarks>
/// <see cref="GZipStream"/> alone ends in silence at the first thing after a member that does not look like another one, and so takes a
/// file with a damaged header in its middle for a shorter one. It asks for more input after a member, though, unless it holds such a thing: where
/// it ends without having been told that there is no more, there is.
/// </remarks>
/// <param name="inner">The packed bytes; disposed with this.</param>
/// <param name="mayBeNothing">True where no bytes at all are no content, as .NET writes it; for all others that is damage, too.</param>
internal sealed class GzipMembers(Stream inner, bool mayBeNothing = false) : ForwardStream
{
    private readonly GZipStream _unpacked = new(new Input(inner, mayBeNothing), CompressionMode.Decompress);
    private readonly byte[] _padding = new byte[1];

    private Input Packed => (Input)_unpacked.BaseStream;

    public override int Read(Span<byte> buffer)
    {
        var read = _unpacked.Read(buffer);
        if (read > 0 || buffer.IsEmpty) return read;
        var more = Packed.Continues();
        while (more) more = Packed.Read(_padding) > 0 && Packed.Continues();
        return 0;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _unpacked.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (read > 0 || buffer.IsEmpty) return read;
        var more = Packed.Continues();
        while (more) more = await Packed.ReadAsync(_padding, cancellationToken).ConfigureAwait(false) > 0 && Packed.Continues();
        return 0;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _unpacked.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>
    /// The packed bytes, in pieces that end with no zero, and those zeros one by one: a member that ends before one of them has used
    /// everything before it, so that what follows is known to begin with it.
    /// </summary>
    private sealed class Input(Stream inner, bool mayBeNothing) : ForwardStream
    {
        private int _zeros;
        private bool _any = mayBeNothing;
        private bool _atEnd;
        private bool _lastIsZero;

        /// <summary>Asked after the unpacker has ended: false at the end of the input, true where zeros were met and there may be more.</summary>
        /// <exception cref="InvalidDataException">There is something else.</exception>
        public bool Continues()
        {
            if (!_any) throw new InvalidDataException("it is empty, and packed files never are");
            if (_atEnd) return false;
            return _lastIsZero ? true : throw new InvalidDataException("after one of its parts comes something that is no other part");
        }

        public override int Read(Span<byte> buffer) => _zeros > 0 ? Zero(buffer) : Piece(buffer, inner.Read(buffer));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_zeros > 0) return Zero(buffer.Span);
            var read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            return Piece(buffer.Span, read);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private int Piece(Span<byte> buffer, int read)
        {
            var length = buffer[..read].LastIndexOfAnyExcept((byte)0) + 1;
            (_any, _atEnd, _lastIsZero, _zeros) = (_any || read > 0, read == 0, false, read - length);
            return length == 0 && read > 0 ? Zero(buffer) : length;
        }

        private int Zero(Span<byte> buffer)
        {
            buffer[0] = 0;
            _zeros--;
            _lastIsZero = true;
            return 1;
        }
    }
}
