using EsPipeline.Connectors.Columns;
using System.Text.Json;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// Writes CSV: the sink <c>csv</c>. Its columns are the key as <c>id</c> (unless documents have that field) and the fields of the first 10,000
/// documents, or those that <c>--fields</c> names; nested values are JSON, null and a missing field are empty.
/// </summary>
public sealed partial class CsvSink : FileOutputSink
{
    private const int SampleRecords = 10_000;
    private const long SampleBytes = 64 << 20;

    private readonly CsvOutputOptions _options;
    private readonly string[] _named;
    private readonly List<(byte[] Key, byte[] Json)> _sample = [];
    private long _sampleBytes;
    private int _sampleWritten;
    private CsvColumns? _columns;
    private CsvColumns? _decided;

    /// <param name="options">Where and how to write.</param>
    /// <param name="run">For <c>--fields</c>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where warnings go.</param>
    public CsvSink(CsvOutputOptions options, RunOptions run, TimeProvider time, ILogger<CsvSink> log)
        : base(options, time, log)
    {
        _options = options;
        string[] named = run.Fields.Count == 0 ? []
            : [.. DocumentFields.Wanted(run).Select(f => f.Path).Concat(run.Set.Select(s => s.Split('=')[0].Split('.')[0])).Distinct(StringComparer.Ordinal)];
        _named = named.Length == 0 || named.Contains("id") ? named : ["id", .. named];
    }

    private protected override string Kind => "CSV";

    private string SamplePath => PartPath + ".sample";

    /// <inheritdoc/>
    public override Task CompleteAsync(CancellationToken ct)
    {
        using (var output = new RecordBatchBuilder())
        {
            if (_columns is null) Decide(output);
            else WriteHeaderFirst(output);
            Append(output.Current);
            SliceWritten();
        }

        DeleteBeside(SamplePath);
        return base.CompleteAsync(ct);
    }

    private protected override RecordFailure? Format(in Record record, RecordBatchBuilder output)
    {
        try
        {
            return FormatRow(record, output);
        }
        catch (JsonException e)
        {
            return NotJson(e);
        }
    }

    private RecordFailure? FormatRow(in Record record, RecordBatchBuilder output)
    {
        if (NoRow(record) is { } refused) return refused;
        if (_columns is null)
        {
            if (CsvColumns.TwiceIn(record.Json.Span) is { } twice) return CsvColumns.NamedTwice(twice);
            _sample.Add((record.Key.ToArray(), record.Json.ToArray()));
            _sampleBytes += record.Bytes;
            return null;
        }

        WriteHeaderFirst(output);
        return WriteRow(_columns, record.Key.Span, record.Json.Span, output);
    }

    private RecordFailure? WriteRow(CsvColumns columns, ReadOnlySpan<byte> key, ReadOnlySpan<byte> json, RecordBatchBuilder output)
    {
        if (columns.WriteRow(key, json, output) is { } refused) return refused;
        if (columns.HadOtherId) NoteOtherId();
        return null;
    }

    // Deeper than anything is read here, or none at all: a source may pass on what it has not looked into.
    private static RecordFailure NotJson(JsonException e) => new(0, FilesErrors.NotJson, $"The document is no JSON that can be read: {e.Message}");

    // What no row can say, whatever its columns.
    private static RecordFailure? NoRow(in Record record) =>
        record.Operation == RecordOperation.Delete ? new RecordFailure(0, FilesErrors.CannotDelete, "A row of a CSV file can't say that a document was deleted.")
        : CsvColumns.NoTextIn(record.Json.Span) is { } place ? new RecordFailure(0, FilesErrors.NoText, $"{place} holds an escape that is half of a surrogate pair.")
        : null;

    private protected override void EndSlice(RecordBatchBuilder output)
    {
        // Behind a complete file, such as that of an empty snapshot, nobody says when there is no more to come.
        if (_columns is null && (IsComplete || _sample.Count >= SampleRecords || _sampleBytes >= SampleBytes)) Decide(output);
    }

    private protected override void SliceWritten()
    {
        _columns ??= _decided;
        if (_columns is not null) _sample.Clear();
        _sampleWritten = _sample.Count;
    }

    private protected override void SliceFailed()
    {
        _decided = null;
        _sample.RemoveRange(_sampleWritten, _sample.Count - _sampleWritten);
        _sampleBytes = _sample.Sum(r => (long)r.Key.Length + r.Json.Length);
    }

    // Before the columns are known the documents wait in memory, and for a checkpoint in a file of their own.
    private protected override async Task<string> SaveStateAsync(CancellationToken ct)
    {
        if (_columns is not null) return JsonSerializer.Serialize(_columns.Names);
        if (_sample.Count == 0) return "";
        using var text = new MemoryStream();
        foreach (var (key, json) in _sample)
        {
            using var writer = new BinaryWriter(text, System.Text.Encoding.UTF8, leaveOpen: true);
            writer.Write7BitEncodedInt(key.Length);
            writer.Write(key);
            writer.Write7BitEncodedInt(json.Length);
            writer.Write(json);
        }

        await DurableFile.ReplaceAsync(SamplePath, text.GetBuffer().AsMemory(0, (int)text.Length), ct).ConfigureAwait(false);
        return $"sample:{_sample.Count}";
    }

    private protected override async Task<bool> RestoreStateAsync(string? state, CancellationToken ct)
    {
        _sample.Clear();
        (_sampleBytes, _sampleWritten, _decided) = (0, 0, null);
        _columns = _named.Length > 0 ? new CsvColumns(_named, _options.CsvSafe) : null;
        if (string.IsNullOrEmpty(state)) return true;
        if (state[0] == '[')
        {
            _columns = new CsvColumns(JsonSerializer.Deserialize<string[]>(state)!, _options.CsvSafe);
            return true;
        }

        if (!File.Exists(SamplePath)) return false;
        using var reader = new BinaryReader(new MemoryStream(await File.ReadAllBytesAsync(SamplePath, ct).ConfigureAwait(false)));
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            _sample.Add((reader.ReadBytes(reader.Read7BitEncodedInt()), reader.ReadBytes(reader.Read7BitEncodedInt())));
        }

        _sampleWritten = _sample.Count;
        _sampleBytes = _sample.Sum(r => (long)r.Key.Length + r.Json.Length);
        return state == $"sample:{_sample.Count}";
    }

    private void WriteHeaderFirst(RecordBatchBuilder output)
    {
        if (FileLength == 0 && output.Current.IsEmpty) _columns!.WriteHeader(output);
    }

    // Every field of the sample has a column, and none is there twice, so no row of it can be refused.
    private void Decide(RecordBatchBuilder output)
    {
        if (_sample.Count == 0) return;
        _decided = new CsvColumns(CsvColumns.Of(_sample.Select(r => (ReadOnlyMemory<byte>)r.Json)), _options.CsvSafe);
        _decided.WriteHeader(output);
        foreach (var (key, json) in _sample) WriteRow(_decided, key, json, output);
    }
}
