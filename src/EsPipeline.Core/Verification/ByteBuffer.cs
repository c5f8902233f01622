using System.Buffers;

namespace EsPipeline.Core.Verification;

/// <summary>Bytes that grow in one piece, and can be taken back from the end. Not thread-safe.</summary>
internal sealed class ByteBuffer : IBufferWriter<byte>
{
    private byte[] _bytes = [];

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Appends bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <inheritdoc/>
    public void Advance(int count) => Length += count <= _bytes.Length - Length ? count : throw new ArgumentOutOfRangeException(nameof(count));

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(Length);
    }

    /// <summary>Forgets what was written after the first so many bytes.</summary>
    public void CutTo(int length) => Length = Math.Min(Length, length);

    /// <summary>Forgets everything, and gives the memory back.</summary>
    public void Release() => (_bytes, Length) = ([], 0);

    private void Reserve(int bytes)
    {
        if (_bytes.Length - Length >= bytes) return;
        Array.Resize(ref _bytes, checked((int)Math.Min(Array.MaxLength, Math.Max((long)Length + bytes, Math.Max(256, 2L * _bytes.Length)))));
    }
}
