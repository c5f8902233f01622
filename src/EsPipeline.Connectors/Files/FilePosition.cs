using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// A place in a file, with enough of what stands around it to notice that the file is not the same any more:
/// <c>file1:offset:line:modified:head-length-hash:tail-length-hash</c>, and <c>:packed</c> at the end of a packed file.
/// </summary>
/// <param name="Offset">Bytes of unpacked content before it.</param>
/// <param name="Line">The number of the line that begins here, from 1.</param>
/// <param name="Modified">When the file was last changed (ticks) as it was being read.</param>
/// <param name="Head">The file's first bytes.</param>
/// <param name="Tail">The bytes just before <paramref name="Offset"/>.</param>
/// <param name="Packed">At the end of a packed file its size on disk as it was being read; 0 elsewhere.</param>
internal readonly record struct FilePosition(long Offset, long Line, long Modified, Fingerprint Head, Fingerprint Tail, long Packed = 0)
{
    /// <summary>The beginning of any file.</summary>
    public static FilePosition Start { get; } = new(0, 1, 0, default, default);

    public Position ToPosition() => new(string.Create(CultureInfo.InvariantCulture, $"file1:{Offset}:{Line}:{Modified}:{Head}:{Tail}") + (Packed > 0 ? string.Create(CultureInfo.InvariantCulture, $":{Packed}") : ""));

    /// <exception cref="Core.Errors.PipelineException"><see cref="CheckpointErrors.BadPosition"/>.</exception>
    public static FilePosition Parse(Position position)
    {
        var parts = position.Value.Split(':');
        var packed = 0L;
        if (parts is ["file1", var offset, var line, var modified, var head, var tail, .. var more]
            && (more is [] || (more is [var size] && long.TryParse(size, out packed) && packed > 0))
            && long.TryParse(offset, out var o) && long.TryParse(line, out var l) && long.TryParse(modified, out var m)
            && Fingerprint.TryParse(head, out var h) && Fingerprint.TryParse(tail, out var t))
        {
            return new FilePosition(o, l, m, h, t, packed);
        }

        throw CheckpointErrors.BadPosition.Error($"'{position}' is not a position in a file.");
    }
}

/// <summary>The length and the hash of some bytes.</summary>
/// <param name="Length">How many bytes.</param>
/// <param name="Hash">64 bits of their <see cref="KeyHash"/>.</param>
internal readonly record struct Fingerprint(int Length, ulong Hash)
{
    /// <summary>The most bytes that are looked at.</summary>
    public const int MaxLength = 4096;

    public static Fingerprint Of(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? default : new(bytes.Length, KeyHash.Compute64(bytes, 0));

    public static bool TryParse(string text, out Fingerprint fingerprint)
    {
        fingerprint = default;
        var at = text.IndexOf('-', StringComparison.Ordinal);
        if (at < 0 || !int.TryParse(text.AsSpan(0, at), out var length) || length is < 0 or > MaxLength) return false;
        if (!ulong.TryParse(text.AsSpan(at + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hash)) return false;
        fingerprint = new Fingerprint(length, hash);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Length}-{Hash:x}");
}
