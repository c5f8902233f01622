using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>What a source of files makes of some bytes.</summary>
internal sealed class FileReading
{
    /// <summary>The records, in order.</summary>
    public List<Document> Documents { get; } = [];

    /// <summary>What could not be read: the error's code, the line, the key.</summary>
    public List<(string Code, long Line, string Key)> Malformed { get; } = [];

    /// <summary>The most memory that was in use at the end of a batch, above what was at the beginning.</summary>
    public long Grown { get; private set; }

    /// <summary>Reads CSV.</summary>
    public static Task<FileReading> OfCsvAsync(byte[] bytes, CsvOptions? options = null, string name = "in.csv") => OfAsync(
        bytes, name, path => new CsvSource((options ?? new CsvOptions()) with { Files = [path] }, FileClock.Later, NullLogger<CsvSource>.Instance));

    /// <summary>Reads CSV.</summary>
    public static Task<FileReading> OfCsvAsync(string text, CsvOptions? options = null) => OfCsvAsync(Encoding.UTF8.GetBytes(text), options);

    /// <summary>Reads JSON Lines.</summary>
    public static Task<FileReading> OfJsonLinesAsync(string text, JsonLinesOptions? options = null) => OfJsonLinesAsync(Encoding.UTF8.GetBytes(text), options);

    /// <summary>Reads JSON Lines.</summary>
    public static Task<FileReading> OfJsonLinesAsync(byte[] bytes, JsonLinesOptions? options = null) => OfAsync(
        bytes, "in.jsonl", path => new JsonLinesSource((options ?? new JsonLinesOptions()) with { Files = [path] }, FileClock.Later));

    /// <summary>Reads all that a stream holds, a megabyte at a time; of the records only their number is kept.</summary>
    public static async Task<(FileReading Reading, long Records)> OfStreamAsync(Stream stream, IRecordParser parser)
    {
        var (reading, records, before) = (new FileReading(), 0L, Environment.WorkingSet);
        using var opened = new RecordStream(stream, parser, patient: true, ChunkReader.DefaultWindowBytes);
        await opened.ReadHeaderAsync("in.csv", 64, Ct);
        using var output = new Core.Records.RecordBatchBuilder();
        while (await opened.ReadAsync(output, Ct) > 0)
        {
            using var batch = output.Build(default, 0, "line");
            records += batch.Count;
            foreach (var malformed in batch.Malformed) reading.Malformed.Add((malformed.Error.Code, malformed.Place, ""));
            reading.Grown = Math.Max(reading.Grown, Environment.WorkingSet - before);
        }

        return (reading, records);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static async Task<FileReading> OfAsync(byte[] bytes, string name, Func<string, FileSource> open)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.File(name), bytes, Ct);
        await using var source = open(folder.File(name));
        (await source.CheckAsync(Ct)).OrThrow();
        var partition = (await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<Core.Records.PartitionId, Core.Records.Position>()), Ct)).Single();
        var reading = new FileReading();
        await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
        {
            using (batch)
            {
                foreach (var record in batch.Records.ToArray()) reading.Documents.Add(new Document(Encoding.UTF8.GetString(record.Key.Span), Encoding.UTF8.GetString(record.Json.Span)));
                foreach (var malformed in batch.Malformed) reading.Malformed.Add((malformed.Error.Code, malformed.Place, Encoding.UTF8.GetString(malformed.Key.Span)));
            }
        }

        return reading;
    }
}
