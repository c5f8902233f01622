namespace EsPipeline.Connectors.Files;

/// <summary>What a file's first bytes say that it is, where that is packed or no text. None of them is the beginning of any text.</summary>
internal static class FileSignature
{
    /// <summary>So many bytes tell all kinds but a TAR archive, whose mark stands behind 257 others.</summary>
    public const int Length = 7;

    private const int TarMark = 257;

    /// <summary>The kind, as the end of a sentence; null for what may be text.</summary>
    /// <param name="beginning">The file's first bytes.</param>
    public static string? Of(ReadOnlySpan<byte> beginning) => beginning switch
    {
        [0x1F, 0x8B, ..] => "packed with gzip",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "packed with zstd",
        [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', (byte)'1', (byte)'A', (byte)'Y', ..] => "packed with bzip2",
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', ..] => "packed with xz",
        [(byte)'P', (byte)'K', 3, 4, ..] => "a ZIP archive",

        // The fourth byte is the format's version, and no text has it; what Parquet and ORC begin with may be a word.
        [(byte)'S', (byte)'E', (byte)'Q', < 9, ..] => "a SequenceFile",
        [(byte)'O', (byte)'b', (byte)'j', 1, ..] => "Avro",
        _ => IsTar(beginning) ? "a TAR archive" : null,
    };

    // A file's name comes first, and is filled up with zeros.
    private static bool IsTar(ReadOnlySpan<byte> beginning) =>
        beginning.Length > TarMark + 5 && beginning.Slice(TarMark, 5).SequenceEqual("ustar"u8) && beginning[..TarMark].Contains((byte)0);
}
