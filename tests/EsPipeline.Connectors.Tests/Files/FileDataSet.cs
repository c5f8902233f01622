using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>Documents in files, as many as partitions were asked for; what comes later is appended to the last one.</summary>
internal abstract class FileDataSet : SourceDataSet
{
    private readonly TemporaryFolder _folder = new();
    private readonly int _files;

    protected FileDataSet(int files) => _files = files;

    /// <summary>The file that grows.</summary>
    public string LastFile => FileAt(_files - 1);

    protected string[] Files => [.. Enumerable.Range(0, _files).Select(FileAt)];

    /// <summary>The name's ending.</summary>
    protected abstract string Ending { get; }

    /// <summary>What stands at the beginning of each file.</summary>
    protected virtual string Header => "";

    /// <summary>The lines of one document.</summary>
    protected abstract string Line(Document document);

    /// <summary>A line that is no record.</summary>
    protected abstract string Malformed { get; }

    /// <summary>Writes all files anew.</summary>
    public async Task SeedAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        var each = (documents.Count / _files) + 1;
        for (var file = 0; file < _files; file++)
        {
            await using var writer = new StreamWriter(FileAt(file));
            await writer.WriteAsync(Header.AsMemory(), ct);
            foreach (var document in documents.Skip(file * each).Take(each)) await writer.WriteAsync(Line(document).AsMemory(), ct);
        }
    }

    public override async Task PutAsync(IReadOnlyList<Document> documents, CancellationToken ct) =>
        await File.AppendAllTextAsync(LastFile, string.Concat(documents.Select(Line)), ct);

    public override async Task<string> PutMalformedAsync(CancellationToken ct)
    {
        var lines = (await File.ReadAllTextAsync(LastFile, ct)).Count(c => c == '\n');
        await File.AppendAllTextAsync(LastFile, Malformed, ct);
        return $"{Path.GetFileName(LastFile)} line {lines + 1}";
    }

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return base.DisposeAsync();
    }

    /// <summary>About so many bytes hold a page of small documents.</summary>
    protected static int WindowBytes(SourceKnobs knobs) => knobs.PageSize >= 1000 ? ChunkReader.DefaultWindowBytes : knobs.PageSize * 100;

    private string FileAt(int number) => _folder.File($"part-{number}{Ending}");
}

/// <summary>CSV files with the columns id and content.</summary>
internal sealed class CsvDataSet(int files) : FileDataSet(files)
{
    protected override string Ending => ".csv";

    protected override string Header => "id,content\n";

    protected override string Malformed => "one,\"two\",three\n";

    public override IDataSource Open(SourceKnobs knobs) =>
        new CsvSource(new CsvOptions { Files = Files }, FileClock.Later, NullLogger<CsvSource>.Instance) { WindowBytes = WindowBytes(knobs) };

    protected override string Line(Document document) => $"{Quote(document.Key)},{Quote(document.Json)}\n";

    private static string Quote(string value) => $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>JSON Lines files as the sink 'file' writes them.</summary>
internal sealed class JsonLinesDataSet(int files) : FileDataSet(files)
{
    protected override string Ending => ".jsonl";

    protected override string Malformed => "{\"id\":\"broken\",\"content\":{\n";

    public override IDataSource Open(SourceKnobs knobs) =>
        new JsonLinesSource(new JsonLinesOptions { Files = Files, ContentField = "content" }, FileClock.Later) { WindowBytes = WindowBytes(knobs) };

    public override async Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken ct) =>
        await File.AppendAllTextAsync(LastFile, string.Concat(keys.Select(k => $"{{\"id\":{Json(k)},\"deleted\":true}}\n")), ct);

    protected override string Line(Document document) => $"{{\"id\":{Json(document.Key)},\"content\":{document.Json}}}\n";

    private static string Json(string text) => Encoding.UTF8.GetString(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(text));
}
