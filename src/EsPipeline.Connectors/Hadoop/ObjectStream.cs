using EsPipeline.Connectors.Files;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>One file of a <see cref="RangeAhead"/> as a stream.</summary>
/// <param name="ahead">Fetches it; stays the caller's.</param>
/// <param name="file">Which file.</param>
internal sealed class ObjectStream(RangeAhead ahead, int file) : ForwardStream
{
    private ReadOnlyMemory<byte> _rest;

    /// <summary>Why it could not be read; an unpacker between may have hidden it, and taken the file for one that was cut off.</summary>
    public Exception? Failure { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest.IsEmpty) await LoadAsync().ConfigureAwait(false);
        return Take(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // The unpackers of bz2 and zstd only read this way. Stream has them do it on a thread of the pool, which then waits here where the bytes
    // have not come yet.
    public override int Read(Span<byte> buffer)
    {
        if (_rest.IsEmpty) LoadAsync().AsTask().GetAwaiter().GetResult();
        return Take(buffer);
    }

    public override int ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    private int Take(Span<byte> buffer)
    {
        var length = Math.Min(buffer.Length, _rest.Length);
        _rest.Span[..length].CopyTo(buffer);
        _rest = _rest[length..];
        return length;
    }

    private async ValueTask LoadAsync()
    {
        if (Failure is not null) throw Failure;
        try
        {
            _rest = await ahead.NextAsync(file).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Failure = e;
            throw;
        }
    }
}
