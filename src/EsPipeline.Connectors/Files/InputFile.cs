using System.IO.Compression;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Files;

/// <summary>A file to read, unpacked by its name's ending.</summary>
/// <param name="Path">The full path; <c>-</c> for standard input.</param>
internal sealed record InputFile(string Path)
{
    /// <summary>The most bytes that one record may have.</summary>
    public const int MaxRecordBytes = 128 << 20;

    /// <summary>How long a file has to be left alone to be <see cref="IsSettled"/>: whoever writes a line in pieces does not pause as long.</summary>
    public static readonly TimeSpan SettlingTime = TimeSpan.FromSeconds(2);

    private const long SettlingTicks = 2 * TimeSpan.TicksPerSecond;

    /// <summary>The file's name without its folder.</summary>
    public string Name { get; init; } = Path == "-" ? "standard input" : System.IO.Path.GetFileName(Path);

    public bool IsStandardInput => Path == "-";

    /// <summary>True for standard input, a pipe or a device: it can be read once, from its beginning to its end.</summary>
    public bool IsStream { get; } = Path == "-" || !FileKind.IsRegularOrMissing(Path);

    public bool IsCompressed => Path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || Path.EndsWith(".zst", StringComparison.OrdinalIgnoreCase);

    /// <summary>The size on disk; null for a stream.</summary>
    public long? Length => IsStream ? null : FileKind.StateOf(Path).Length;

    /// <summary>When the file was last changed, in ticks; 0 for a stream, and where it is not there.</summary>
    public long Modified => IsStream || !File.Exists(Path) ? 0 : FileKind.StateOf(Path).Modified;

    /// <summary>True for a packed file that was read to its end and is as it was then: to look into it would be to unpack all of it again.</summary>
    public bool IsAsRead(FilePosition end) => end.Packed > 0 && IsCompressed && end.Packed == Length && end.Modified == Modified;

    /// <summary>
    /// True where nobody seems to be writing it at this moment, so that a last line without an end is a whole one. A clock of the file's system that
    /// is far from ours counts as that: nothing is waited for in vain.
    /// </summary>
    public bool IsSettled(DateTimeOffset now) => IsStream || IsCompressed || (now.UtcTicks - Modified) is >= SettlingTicks or <= -SettlingTicks;

    /// <summary>
    /// The files that were asked for, in the order of the arguments, those of a glob sorted by their bytes. An argument that is not a file
    /// itself may be several, with commas between them.
    /// </summary>
    /// <param name="arguments">What was asked for.</param>
    /// <param name="output">What the same run writes; null where that is no file.</param>
    /// <exception cref="PipelineException"><see cref="FilesErrors.NotFound"/>, <see cref="FilesErrors.OwnOutput"/>.</exception>
    public static IReadOnlyList<InputFile> Expand(IReadOnlyList<string> arguments, RunOutput? output = null)
    {
        var files = new List<InputFile>();
        foreach (var argument in arguments)
        {
            foreach (var name in File.Exists(argument) ? [argument] : argument.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                files.AddRange(Matches(name, output));
            }
        }

        InputFile[] different = [.. files.DistinctBy(f => f.Path)];
        foreach (var file in different.Where(f => !f.IsStream)) output?.Refuse(file.Path);
        return different;
    }

    /// <summary>Opens the file at a byte of its unpacked content.</summary>
    /// <exception cref="PipelineException">It is not there or can't be read.</exception>
    public async Task<Stream> OpenAsync(long offset, CancellationToken ct)
    {
        if (IsStandardInput) return Console.OpenStandardInput();
        var stream = Guard(() =>
        {
            var raw = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return Path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GzipMembers(raw, mayBeNothing: true)
                : Path.EndsWith(".zst", StringComparison.OrdinalIgnoreCase) ? new ZstdStream(raw, CompressionMode.Decompress)
                : (Stream)raw;
        });
        try
        {
            if (IsStream) return stream;
            if (!IsCompressed) stream.Position = offset;
            else await SkipAsync(stream, offset, ct).ConfigureAwait(false);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Turns what the system says of a file into an error for a person.</summary>
    public PipelineException Problem(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => FilesErrors.NotFound.Error($"{Path} is not there.", inner: e),
        InvalidDataException => FilesErrors.Damaged.Error($"{Path} can't be unpacked: {e.Message}", inner: e),
        _ => FilesErrors.Unreadable.Error($"{Path} can't be read: {e.Message}", inner: e),
    };

    private static IEnumerable<InputFile> Matches(string name, RunOutput? output)
    {
        if (name == "-") return [new InputFile("-")];
        if (!Glob.Is(name) || File.Exists(name))
        {
            return File.Exists(name) ? [new InputFile(System.IO.Path.GetFullPath(name))]
                : throw FilesErrors.NotFound.Error(Directory.Exists(name) ? $"{name} is a folder, not a file." : $"{System.IO.Path.GetFullPath(name)} is not there.");
        }

        var folder = System.IO.Path.GetDirectoryName(name) is { Length: > 0 } given ? given : ".";
        if (Glob.Is(folder) && !Directory.Exists(folder)) throw FilesErrors.NotFound.Error($"{name}: only the file's name may be a glob, not its folder.");
        var glob = System.IO.Path.GetFileName(name);
        output?.RefuseGlob(folder, glob);
        string[] found = Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Where(f => Glob.IsMatch(glob, System.IO.Path.GetFileName(f)))] : [];
        if (found.Length == 0) throw FilesErrors.NotFound.Error($"No file matches {name}.");
        return found.Order(StringComparer.Ordinal).Select(f => new InputFile(System.IO.Path.GetFullPath(f)));
    }

    private static async Task SkipAsync(Stream stream, long offset, CancellationToken ct)
    {
        var waste = new byte[128 * 1024];
        while (offset > 0)
        {
            var read = await stream.ReadAsync(waste.AsMemory(0, (int)Math.Min(waste.Length, offset)), ct).ConfigureAwait(false);
            if (read == 0) return;
            offset -= read;
        }
    }

    private Stream Guard(Func<Stream> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(e);
        }
    }
}
