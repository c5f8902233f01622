using System.Runtime.CompilerServices;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// Reads files record by record, each file a partition, in order: a record of a later line or file counts as newer. Positions are
/// byte offsets of the unpacked content. A file that grew is read on; one that is not the same any more is read anew.
/// </summary>
public abstract class FileSource : IDataSource
{
    // Longer than any line in pieces that somebody writes on.
    private const int MostUnfinished = 1 << 20;

    private readonly IReadOnlyList<string> _arguments;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly RunOutput? _output;
    private readonly bool _hasKeyedSink;
    private readonly bool _looksAgain;
    private readonly HeldFiles? _held;
    private readonly HashSet<string> _streamsRead = new(StringComparer.Ordinal);

    /// <param name="arguments">What was asked for.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where warnings go.</param>
    /// <param name="ends">Both ends of the run; null where it is read for something else.</param>
    /// <param name="run">For the mode.</param>
    private protected FileSource(IReadOnlyList<string> arguments, TimeProvider time, ILogger log, ConnectorOptions? ends, RunOptions? run)
    {
        (_arguments, _time, _log) = (arguments, time, log);
        (_output, _hasKeyedSink) = (RunOutput.Of(ends), ends?.Sink is not (null or OutputFileOptions));
        _looksAgain = run?.Mode == RunMode.Continuous;

        // A file that is written begins anew where one that is read has been replaced: the end of the one before would be out of place there.
        if (_looksAgain && _hasKeyedSink && OperatingSystem.IsLinux()) _held = new HeldFiles(time);
    }

    /// <summary>How many bytes are loaded at once, which is what a batch covers; tests take fewer for more batches.</summary>
    internal int WindowBytes { get; init; } = ChunkReader.DefaultWindowBytes;

    /// <summary>The kind of file, as a person calls it.</summary>
    private protected abstract string Kind { get; }

    /// <summary>True where keys are made of a file's name and a line's number.</summary>
    private protected abstract bool KeysAreLines { get; }

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        try
        {
            var files = Expand();
            foreach (var file in files.Where(f => !f.IsStream)) (await OpenAsync(file, ParserFor(file), ct).ConfigureAwait(false)).Dispose();

            var identity = new Dictionary<string, string> { ["files"] = string.Join(',', _arguments.Select(a => a == "-" ? a : Path.GetFullPath(a))) };
            return new ConnectorHealth($"{Kind}, {files.Count} {(files.Count == 1 ? "file" : "files")}", _time.GetElapsedTime(started), identity) { Warnings = [.. Warnings(files)] };
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell(Kind, _time.GetElapsedTime(started), e);
        }
    }

    /// <inheritdoc/>
    public virtual Task<SourceSchema> DescribeAsync(CancellationToken ct) => Task.FromResult(SourceSchema.Unknown);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        var expanded = Expand();
        _held?.LetGo(expanded.Select(f => f.Path));
        (InputFile File, FilePosition Saved)[] files = [.. expanded
            .Select(f => (f, plan.Saved.TryGetValue(new PartitionId(f.Path), out var position) ? FilePosition.Parse(position) : FilePosition.Start))];
        var lastRead = Array.FindLastIndex(files, f => f.Saved.Offset > 0);
        var partitions = new List<Partition>();
        string? changed = null;
        string? added = null;
        foreach (var (index, (file, saved)) in files.Index())
        {
            if (_held is not null)
            {
                var before = await _held.BeforeAsync(
                    file, saved, plan.Saved, async (held, position) => await ChangeAsync(held, position, ct).ConfigureAwait(false) is null).ConfigureAwait(false);
                if (before.Count > 0) changed ??= added ?? "another file has its name now; what was written to the one before is copied first";
                partitions.AddRange(before);
            }

            // What comes after records that are read for the first time, or anew, counts as newer than they, so it has to be read after them again.
            if (saved.Offset > 0) changed ??= added ?? await ChangeAsync(file, saved, ct).ConfigureAwait(false);
            if (changed is null && added is null && index < lastRead && await HasMoreAsync(file, saved, ct).ConfigureAwait(false))
            {
                added = $"'{file.Name}', which comes before it, {(saved.Offset > 0 ? "has grown" : "is new")}";
            }

            partitions.Add(new Partition(new PartitionId(file.Path), FilePosition.Start.ToPosition())
            {
                InOrder = true,
                Resumable = !file.IsStream,
                StartsOverBecause = changed,
                Extent = file.IsCompressed ? null : file.Length - (changed is null ? saved.Offset : 0),
            });
        }

        return partitions;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        var file = _held?.FileOf(partition.Id) ?? new InputFile(partition.Id.Value);
        var from = FilePosition.Parse(after);
        if (file.IsAsRead(from) || (file.IsStream && !_streamsRead.Add(file.Path))) yield break;
        if (file.Path == partition.Id.Value) _held?.Hold(file);
        var parser = ParserFor(file);
        using var open = await OpenAsync(file, parser, ct).ConfigureAwait(false);

        // It may have been replaced since it was planned; a packed one is unpacked for it only where its time says so, too.
        if ((!file.IsCompressed || open.Position.Modified != from.Modified) && await open.ChangeSinceAsync(from, ct).ConfigureAwait(false) is { } changed)
        {
            throw FilesErrors.Changed.Error($"{file.Path} is not what it was a moment ago: {changed}.");
        }

        await open.SeekAsync(from, ct).ConfigureAwait(false);
        using var output = new RecordBatchBuilder();
        for (var looks = 1; ; looks++)
        {
            while (await ReadAsync(file, open, output, looks > 1, ct).ConfigureAwait(false) is > 0 and var bytes)
            {
                yield return output.Build(open.Position.ToPosition(), file.IsCompressed ? 0 : bytes, $"{file.Name} line");
                ct.ThrowIfCancellationRequested();
            }

            // Whoever looks again and again finds the rest of the line by itself.
            if (!open.IsUnfinished || _looksAgain) break;
            if (looks > 1)
            {
                Log.LineUnfinished(_log, file.Path, open.Position.Line);
                break;
            }

            // A file that has not changed meanwhile is at rest, whatever the clock says of the machine that it lies on.
            var seen = (file.Length, file.Modified);
            await Task.Delay(InputFile.SettlingTime, _time, ct).ConfigureAwait(false);
            open.LookAgain();
            if ((file.Length, file.Modified) == seen) open.TakeUnfinished();
        }

        parser.Finish();

        // No records, only the place: that its end has been reached spares later runs from unpacking it to see that there is no more.
        if (file.IsCompressed && open.Position.Offset > 0) yield return output.Build(open.End.ToPosition(), 0, $"{file.Name} line");
    }

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        _held?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    // A file without records has no position, however often it was read.
    private async Task<bool> HasMoreAsync(InputFile file, FilePosition saved, CancellationToken ct)
    {
        if (file.IsStream || file.IsAsRead(saved) || (saved.Offset > 0 && !file.IsCompressed && file.Length <= saved.Offset)) return false;
        using var open = await OpenAsync(file, ParserFor(file), ct).ConfigureAwait(false);
        await open.SeekAsync(saved, ct).ConfigureAwait(false);
        using var output = new RecordBatchBuilder();
        return await ReadAsync(file, open, output, isLastLook: false, ct).ConfigureAwait(false) > 0 || (open.IsUnfinished && !_looksAgain);
    }

    private async Task<string?> ChangeAsync(InputFile file, FilePosition saved, CancellationToken ct)
    {
        if (file.IsAsRead(saved)) return null;
        using var open = await OpenAsync(file, ParserFor(file), ct).ConfigureAwait(false);
        return await open.ChangeSinceAsync(saved, ct).ConfigureAwait(false);
    }

    private IReadOnlyList<InputFile> Expand()
    {
        var files = InputFile.Expand(_arguments, _output);
        if (KeysAreLines && files.GroupBy(f => f.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.ToArray() is [var one, var other, ..])
        {
            throw FilesErrors.SameName.Error($"{one.Path} and {other.Path} have the same name, so that their lines would have the same keys (@line).");
        }

        return files;
    }

    private IEnumerable<string> Warnings(IReadOnlyList<InputFile> files)
    {
        if (KeysAreLines && _hasKeyedSink && files.Any(f => f.IsStream))
        {
            yield return "The keys are those of lines (@line), and those of standard input or a pipe are the same in every run: each run replaces what the one before has copied.";
        }

        for (var i = 1; i < files.Count; i++)
        {
            // app.log, app.log.1: the names of rotated files sort the wrong way round.
            var (before, file) = (files[i - 1], files[i]);
            if (!file.Path.StartsWith(before.Path + '.', StringComparison.Ordinal) || file.Modified >= before.Modified) continue;
            yield return $"{file.Path} is read after {before.Path} and so counts as newer, but was written before it: where a key is in both, name the files from the oldest to the newest.";
            yield break;
        }
    }

    private Task<OpenFile> OpenAsync(InputFile file, IRecordParser parser, CancellationToken ct) => OpenFile.OpenAsync(file, parser, ct, WindowBytes);

    // A last line without an end is a record once nobody is writing the file any more; what has lines behind it, as a quote that is never closed
    // has, is broken rather than unfinished.
    private async ValueTask<long> ReadAsync(InputFile file, OpenFile open, RecordBatchBuilder output, bool isLastLook, CancellationToken ct)
    {
        var bytes = await open.ReadAsync(output, ct).ConfigureAwait(false);
        if (bytes > 0 || !open.IsUnfinished) return bytes;
        var isBroken = open.UnfinishedHoldsLines && (isLastLook || open.Unfinished > MostUnfinished);
        if (!isBroken && !file.IsSettled(_time.GetUtcNow())) return bytes;
        open.TakeUnfinished();
        return await open.ReadAsync(output, ct).ConfigureAwait(false);
    }

    /// <summary>Makes the parser of one file.</summary>
    private protected abstract IRecordParser ParserFor(InputFile file);
}
