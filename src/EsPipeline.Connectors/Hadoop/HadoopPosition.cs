using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// A place in a job's output, with enough of what was read to notice that it has been written again: <c>hadoop1:start</c>,
/// <c>hadoop1:at:digest:size:offset:line:version:file</c> or <c>hadoop1:done:digest</c>.
/// </summary>
/// <param name="Digest">Of the files before this one; of all that were read where the job is done.</param>
/// <param name="File">The file, as <see cref="StoredObject"/> has it; null at the start and where the job is done.</param>
/// <param name="Offset">Bytes of the file's unpacked content before the place.</param>
/// <param name="Line">The number of the line that begins there, from 1.</param>
/// <param name="IsDone">All files that there were have been read, or as many as a pass was to read.</param>
internal sealed record HadoopPosition(ulong Digest, StoredObject? File, long Offset, long Line, bool IsDone)
{
    private const string Tag = "hadoop1";

    /// <summary>The beginning of any job.</summary>
    public static HadoopPosition Start { get; } = new(0, null, 0, 1, false);

    /// <summary>The end of a job, or of as many of its files as a pass was to read.</summary>
    public static HadoopPosition Done(ulong digest) => new(digest, null, 0, 1, true);

    public Position ToPosition() => new(this switch
    {
        { IsDone: true } => $"{Tag}:done:{Digest:x16}",
        { File: { } file } => string.Create(
            CultureInfo.InvariantCulture,
            $"{Tag}:at:{Digest:x16}:{file.Size}:{Offset}:{Line}:{PrintableText.Escape(file.Version)}:{PrintableText.Escape(file.Path)}"),
        _ => $"{Tag}:start",
    });

    /// <exception cref="Core.Errors.PipelineException"><see cref="CheckpointErrors.BadPosition"/>.</exception>
    public static HadoopPosition Parse(Position position)
    {
        switch (position.Value.Split(':'))
        {
            case [Tag, "start"]:
                return Start;
            case [Tag, "done", var all] when TryHex(all, out var digest):
                return Done(digest);
            case [Tag, "at", var before, var size, var offset, var line, var version, var path]
                when TryHex(before, out var digest) && long.TryParse(size, out var s) && long.TryParse(offset, out var o) && long.TryParse(line, out var l):
                return new HadoopPosition(digest, new StoredObject(PrintableText.Unescape(path), s, PrintableText.Unescape(version)), o, l, false);
            default:
                throw CheckpointErrors.BadPosition.Error($"'{position}' is not a position in a job's output.");
        }
    }

    /// <summary>
    /// The index of the file to go on with in a job; the number of files where it is done; null where the job is not what it was. A job that
    /// was done and has got more files behind those that were read goes on with them.
    /// </summary>
    public int? IndexIn(JobFolder job)
    {
        if (IsDone) return job.CountOf(Digest);
        if (File is null) return 0;
        for (var i = 0; i < job.Files.Count; i++)
        {
            if (job.Files[i].Path == File.Path) return job.Files[i] == File && job.DigestBefore(i) == Digest ? i : null;
        }

        return null;
    }

    private static bool TryHex(string text, out ulong number) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
}
