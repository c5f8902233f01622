using System.Buffers;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// Zstandard through the machine's libzstd (streaming API of zstd 1.4 and later). Reading takes any number of frames and refuses a
/// truncated one; writing makes one frame, which disposing ends.
/// </summary>
internal sealed unsafe partial class ZstdStream : Stream
{
    private const string Library = NativeLibraries.Zstd;
    private const int EndDirective = 2;
    private const int ContinueDirective = 0;

    private readonly Stream _inner;
    private readonly bool _compress;
    private readonly bool _leaveOpen;

    // A read that was given up may still be under way on another thread when the stream is disposed: the context is freed after it.
    private readonly Lock _inUse = new();
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
    private nint _context;
    private int _start;
    private int _end;
    private bool _frameOpen;

    static ZstdStream() => NativeLibraries.Register();

    /// <exception cref="Core.Errors.PipelineException"><see cref="FilesErrors.NoZstd"/>: the library is not there.</exception>
    public ZstdStream(Stream inner, CompressionMode mode, bool leaveOpen = false)
    {
        (_inner, _compress, _leaveOpen) = (inner, mode == CompressionMode.Compress, leaveOpen);
        try
        {
            _context = _compress ? CreateCompression() : CreateDecompression();
        }
        catch (DllNotFoundException e)
        {
            if (!leaveOpen) inner.Dispose();
            throw FilesErrors.NoZstd.Error("The library libzstd could not be loaded.", inner: e);
        }
    }

    public override bool CanRead => !_compress;

    public override bool CanWrite => _compress;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        lock (_inUse) return Unpack(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!buffer.IsEmpty) Write(buffer, ContinueDirective);
    }

    public override void Flush() => _inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        lock (_inUse)
        {
            if (_context != 0)
            {
                if (_compress && disposing) Write([], EndDirective);
                _ = _compress ? FreeCompression(_context) : FreeDecompression(_context);
                _context = 0;
                ArrayPool<byte>.Shared.Return(_buffer);
                if (disposing && !_leaveOpen) _inner.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private int Unpack(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_context == 0, this);
        while (buffer.Length > 0)
        {
            if (_start == _end)
            {
                (_start, _end) = (0, _inner.Read(_buffer));
                if (_end == 0) return _frameOpen ? throw new InvalidDataException("it ends in the middle of a frame") : 0;
            }

            fixed (byte* source = _buffer, target = buffer)
            {
                var input = new Buffer { Bytes = source, Size = (nuint)_end, Position = (nuint)_start };
                var output = new Buffer { Bytes = target, Size = (nuint)buffer.Length };
                _frameOpen = Check(Decompress(_context, ref output, ref input)) != 0;
                _start = (int)input.Position;
                if (output.Position > 0) return (int)output.Position;
            }
        }

        return 0;
    }

    private void Write(ReadOnlySpan<byte> buffer, int directive)
    {
        fixed (byte* source = buffer, target = _buffer)
        {
            var input = new Buffer { Bytes = source, Size = (nuint)buffer.Length };
            nuint left;
            do
            {
                var output = new Buffer { Bytes = target, Size = (nuint)_buffer.Length };
                left = Check(Compress(_context, ref output, ref input, directive));
                _inner.Write(_buffer, 0, (int)output.Position);
            }
            while (directive == EndDirective ? left != 0 : input.Position < input.Size);
        }
    }

    private static nuint Check(nuint result) =>
        IsError(result) == 0 ? result : throw new InvalidDataException(Marshal.PtrToStringUTF8(ErrorName(result)) ?? "zstd error");

    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        public byte* Bytes;
        public nuint Size;
        public nuint Position;
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    private static partial nint CreateDecompression();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    private static partial nuint FreeDecompression(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    private static partial nuint Decompress(nint context, ref Buffer output, ref Buffer input);

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    private static partial nint CreateCompression();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    private static partial nuint FreeCompression(nint context);

    [LibraryImport(Library, EntryPoint = "ZSTD_compressStream2")]
    private static partial nuint Compress(nint context, ref Buffer output, ref Buffer input, int directive);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint ErrorName(nuint code);
}
