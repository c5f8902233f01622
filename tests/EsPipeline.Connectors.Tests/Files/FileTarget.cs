using System.Globalization;
using System.Text.Json;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>A file to write, in a folder of its own.</summary>
internal abstract class FileTarget : SinkTarget
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The file.</summary>
    public string Output => _folder.File("output");

    /// <summary>Where it is before it is complete.</summary>
    public string Part => Output + ".part";

    /// <summary>Opens the sink on another file.</summary>
    public abstract IDataSink OpenAt(string path);

    public override IDataSink Open(SinkKnobs knobs) => OpenAt(Output);

    /// <summary>Its lines as documents, in the order in which they stand there.</summary>
    protected abstract IEnumerable<(string Key, string? Json)> Parse(string text);

    public override Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken ct) => ReadAsync(Output, ct);

    /// <summary>Reads another file.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReadAsync(string path, CancellationToken ct)
    {
        var documents = new Dictionary<string, string>();
        foreach (var (key, json) in Parse(await File.ReadAllTextAsync(path, ct)))
        {
            if (json is null) documents.Remove(key);
            else documents[key] = json;
        }

        return documents;
    }

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return base.DisposeAsync();
    }

    protected static IEnumerable<JsonElement> Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 1000 }).RootElement);
}

/// <summary>The sink <c>file</c>.</summary>
internal sealed class EnvelopeTarget : FileTarget
{
    public override IDataSink OpenAt(string path) => new EnvelopeSink(new OutputFileOptions { File = path }, TimeProvider.System, NullLogger<EnvelopeSink>.Instance);

    protected override IEnumerable<(string Key, string? Json)> Parse(string text) => Lines(text).Select(line =>
        (line.GetProperty("id").GetString()!, line.TryGetProperty("content", out var content) ? content.GetRawText() : null));
}

/// <summary>The sink <c>jsonl</c>: the key stands in the document as its id.</summary>
internal sealed class JsonLinesTarget : FileTarget
{
    public override IDataSink OpenAt(string path) => new JsonLinesSink(new OutputFileOptions { File = path }, TimeProvider.System, NullLogger<JsonLinesSink>.Instance);

    public override Document Expected(Document document)
    {
        using var json = JsonDocument.Parse(document.Json);
        if (json.RootElement.TryGetProperty("id", out var own)) return document with { Key = own.GetString()! };
        var id = $"{{\"id\":{JsonSerializer.Serialize(document.Key)}";
        return document with { Json = document.Json.Trim() == "{}" ? id + "}" : $"{id},{document.Json.TrimStart()[1..]}" };
    }

    protected override IEnumerable<(string Key, string? Json)> Parse(string text) =>
        Lines(text).Select(line => (line.GetProperty("id").GetString()!, (string?)line.GetRawText()));
}

/// <summary>The sink <c>csv</c>: rows of texts, read back by a small parser of the test's own.</summary>
internal sealed class CsvTarget : FileTarget
{
    public override IDataSink OpenAt(string path) =>
        new CsvSink(new CsvOutputOptions { File = path }, new RunOptions(), TimeProvider.System, NullLogger<CsvSink>.Instance);

    // Every value becomes the text that stands for it; null and a missing field are both an empty value, and are left out here.
    public override Document Expected(Document document)
    {
        using var json = JsonDocument.Parse(document.Json);
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["id"] = document.Key };
        foreach (var field in json.RootElement.EnumerateObject())
        {
            fields[field.Name] = field.Value.ValueKind switch
            {
                JsonValueKind.String => field.Value.GetString()!,
                JsonValueKind.Null => "",
                _ => field.Value.GetRawText(),
            };
        }

        return Row(fields);
    }

    protected override IEnumerable<(string Key, string? Json)> Parse(string text)
    {
        var rows = PlainCsv.Parse(text);
        foreach (var row in rows.Skip(1))
        {
            var document = Row(rows[0].Zip(row).ToDictionary(c => c.First, c => c.Second));
            yield return (document.Key, document.Json);
        }
    }

    private static Document Row(IReadOnlyDictionary<string, string> fields) =>
        new(fields["id"], JsonSerializer.Serialize(fields.Where(f => f.Value.Length > 0).ToDictionary(f => f.Key, f => f.Value)));
}

/// <summary>The simplest reader of CSV that can be right: one character after the other.</summary>
internal static class PlainCsv
{
    public static List<List<string>> Parse(string text)
    {
        List<List<string>> rows = [];
        List<string> row = [];
        var (value, quoted) = (new System.Text.StringBuilder(), false);
        for (var i = 0; i < text.Length; i++)
        {
            if (quoted && text[i] == '"' && i + 1 < text.Length && text[i + 1] == '"') value.Append(text[++i]);
            else if (text[i] == '"') quoted = !quoted;
            else if (quoted || text[i] is not (',' or '\n')) value.Append(text[i]);
            else
            {
                row.Add(value.ToString());
                value.Clear();
                if (text[i] == ',') continue;
                rows.Add(row);
                row = [];
            }
        }

        Assert.False(quoted, "A quote is never closed.");
        Assert.True(row.Count == 0 && value.Length == 0, string.Create(CultureInfo.InvariantCulture, $"The last line, after {rows.Count} rows, has no end."));
        return rows;
    }
}
