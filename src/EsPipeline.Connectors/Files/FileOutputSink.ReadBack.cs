using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Files;

/// <content>How records read back: formatted as a write does, and read by the parser of the file's own source.</content>
public abstract partial class FileOutputSink : IVerifiableSink
{
    private IRecordParser? _readBack;

    /// <summary>The complete file.</summary>
    private protected string FilePath => _options.File;

    /// <inheritdoc/>
    public async Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct)
    {
        if (IsStream) throw VerifyErrors.NotComparable.Error("What went to standard output, a pipe or a device can't be read back.");
        _readBack = await PrepareParserAsync(new InputFile(_options.File), ct).ConfigureAwait(false);

        // A document may have an id of its own, which is the key of its line.
        return new ReadBackPlace(OpenSource()) { KeepsKeys = false };
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct)
    {
        var parser = _readBack ?? throw new InvalidOperationException("Reading back was not prepared.");
        var failures = new List<RecordFailure>();
        using var line = new RecordBatchBuilder(64 * 1024);
        for (var i = 0; i < slice.Count; i++)
        {
            ct.ThrowIfCancellationRequested();
            if (FormatAlone(slice[i], line) is { } failure)
            {
                failures.Add(failure with { Index = i });
            }
            else
            {
                line.Write(new byte[ChunkReader.Padding]);
                parser.ReadRecord(line.Current, atEnd: true, slice[i].Place, output, out _);
            }

            line.DropRecord();
        }

        return Task.FromResult<IReadOnlyList<RecordFailure>>(failures);
    }

    /// <summary>The source that reads the complete file, every record of it.</summary>
    private protected abstract IDataSource OpenSource();

    /// <summary>Makes the parser of <see cref="OpenSource"/> for single records.</summary>
    private protected abstract ValueTask<IRecordParser> PrepareParserAsync(InputFile file, CancellationToken ct);

    /// <summary>Formats a record as one behind the first is.</summary>
    private protected virtual RecordFailure? FormatAlone(in Record record, RecordBatchBuilder output) => Format(record, output);
}
