using System.Runtime.CompilerServices;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// Reads files record by record, each file a partition, in order: a record of a later line or file counts as newer. Positions are
/// byte offsets of the unpacked content. A file that grew is read on; one that is not the same any more is read anew.
/// </summary>
public abstract class FileSource : IDataSource
{
    private readonly IReadOnlyList<string> _arguments;
    private readonly TimeProvider _time;

    private protected FileSource(IReadOnlyList<string> arguments, TimeProvider time) => (_arguments, _time) = (arguments, time);

    /// <summary>How many bytes are loaded at once, which is what a batch covers; tests take fewer for more batches.</summary>
    internal int WindowBytes { get; init; } = ChunkReader.DefaultWindowBytes;

    /// <summary>The kind of file, as a person calls it.</summary>
    private protected abstract string Kind { get; }

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        try
        {
            var files = InputFile.Expand(_arguments);
            foreach (var file in files.Where(f => !f.IsStandardInput))
            {
                (await OpenFile.OpenAsync(file, ParserFor(file), ct).ConfigureAwait(false)).Dispose();
            }

            var identity = new Dictionary<string, string> { ["files"] = string.Join(',', _arguments.Select(a => a == "-" ? a : Path.GetFullPath(a))) };
            return new ConnectorHealth($"{Kind}, {files.Count} {(files.Count == 1 ? "file" : "files")}", _time.GetElapsedTime(started), identity);
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
        (InputFile File, FilePosition Saved)[] files = [.. InputFile.Expand(_arguments)
            .Select(f => (f, plan.Saved.TryGetValue(new PartitionId(f.Path), out var position) ? FilePosition.Parse(position) : FilePosition.Start))];
        var lastRead = Array.FindLastIndex(files, f => f.Saved.Offset > 0);
        var partitions = new List<Partition>();
        string? changed = null;
        string? added = null;
        foreach (var (file, saved) in files)
        {
            // What comes after records that are read for the first time, or anew, counts as newer than they, so it has to be read after them again.
            if (saved.Offset > 0) changed ??= added ?? await ChangeAsync(file, saved, ct).ConfigureAwait(false);
            if (changed is null && added is null && partitions.Count < lastRead && await HasMoreAsync(file, saved, ct).ConfigureAwait(false))
            {
                added = $"'{file.Name}', which comes before it, {(saved.Offset > 0 ? "has grown" : "is new")}";
            }

            partitions.Add(new Partition(new PartitionId(file.Path), FilePosition.Start.ToPosition())
            {
                InOrder = true,
                Resumable = !file.IsStandardInput,
                StartsOverBecause = changed,
                Extent = file.IsCompressed ? null : file.Length - (changed is null ? saved.Offset : 0),
            });
        }

        return partitions;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        var file = new InputFile(partition.Id.Value);
        var from = FilePosition.Parse(after);
        if (file.IsAsRead(from)) yield break;
        var parser = ParserFor(file);
        using var open = await OpenFile.OpenAsync(file, parser, ct, WindowBytes).ConfigureAwait(false);
        await open.SeekAsync(from, ct).ConfigureAwait(false);
        using var output = new RecordBatchBuilder();
        while (await open.ReadAsync(output, ct).ConfigureAwait(false) is > 0 and var bytes)
        {
            yield return output.Build(open.Position.ToPosition(), file.IsCompressed ? 0 : bytes, $"{file.Name} line");
            ct.ThrowIfCancellationRequested();
        }

        parser.Finish();

        // No records, only the place: that its end has been reached spares later runs from unpacking it to see that there is no more.
        if (file.IsCompressed && open.Position.Offset > 0) yield return output.Build(open.End.ToPosition(), 0, $"{file.Name} line");
    }

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    // A file without records has no position, however often it was read.
    private async Task<bool> HasMoreAsync(InputFile file, FilePosition saved, CancellationToken ct)
    {
        if (file.IsStandardInput || file.IsAsRead(saved) || (saved.Offset > 0 && !file.IsCompressed && file.Length <= saved.Offset)) return false;
        using var open = await OpenFile.OpenAsync(file, ParserFor(file), ct, WindowBytes).ConfigureAwait(false);
        await open.SeekAsync(saved, ct).ConfigureAwait(false);
        using var output = new RecordBatchBuilder();
        return await open.ReadAsync(output, ct).ConfigureAwait(false) > 0;
    }

    private async Task<string?> ChangeAsync(InputFile file, FilePosition saved, CancellationToken ct)
    {
        if (file.IsAsRead(saved)) return null;
        using var open = await OpenFile.OpenAsync(file, ParserFor(file), ct).ConfigureAwait(false);
        return await open.ChangeSinceAsync(saved, ct).ConfigureAwait(false);
    }

    /// <summary>Makes the parser of one file.</summary>
    private protected abstract IRecordParser ParserFor(InputFile file);
}
