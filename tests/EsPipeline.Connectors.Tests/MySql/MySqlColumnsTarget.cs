using System.Globalization;
using System.Text.Json.Nodes;
using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>A database to write documents to, a column for each field.</summary>
internal sealed class MySqlColumnsTarget(MySqlDatabase database) : MySqlTarget(database, database.Options with { Shape = MySqlShape.Columns })
{
    public override SourceSchema Schema { get; } = new(
    [
        new("n", FieldKind.Integer, "long"),
        new("@timestamp", FieldKind.Timestamp, "date", "strict_date_optional_time"),
        new("price", FieldKind.Double, "double"),
        new("name", FieldKind.Keyword, "keyword") { MaxLength = 40 },
        new("number", FieldKind.Integer, "long"),
        new("v", FieldKind.Text, "text"),
    ]);

    public override IReadOnlyList<RefusedDocument> Refused =>
    [
        new(new Document("wrong-type", """{"n":"many"}"""), "'n'"),
        new(new Document("no-whole-number", """{"n":1.5}"""), "'n'"),
        new(new Document("out-of-range", """{"n":9223372036854775808}"""), "'n'"),
        new(new Document("too-long", $$"""{"name":"{{new string('x', 41)}}"}"""), "'name'"),
        new(new Document("no-time", """{"@timestamp":"2023-02-29T00:00:00Z"}"""), "'@timestamp'"),
        new(new Document("inexact-time", """{"@timestamp":"2023-02-28T00:00:00.1234567Z"}"""), "'@timestamp'"),
        new(new Document("unknown-field", """{"n":1,"other":2}"""), "'other'"),
        new(new Document("half-a-character", """{"v":"\ud800"}"""), "'v'"),
    ];

    public override async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken ct)
    {
        var names = (await Database.RowsAsync($"SHOW COLUMNS FROM {Database.Name}.docs")).Select(r => r[0]!).ToArray();
        var rows = await Database.RowsAsync($"SELECT * FROM {Database.Name}.docs");
        return rows.ToDictionary(r => r[0]!, r => DocumentOf(names[1..], r[1..]).ToJsonString());
    }

    public override async Task<(IDataSink Sink, string Named)> OpenMisfitAsync(CancellationToken ct)
    {
        await Database.ExecuteAsync("CREATE TABLE misfit (id VARCHAR(64) PRIMARY KEY, n INT, `@timestamp` INT, name TEXT)");
        return (Database.Sink(Options with { Table = "misfit" }), "'@timestamp' is int(11)");
    }

    // A field that was not there reads back as NULL.
    private static JsonObject DocumentOf(string[] names, string?[] values)
    {
        var document = new JsonObject();
        foreach (var (name, value) in names.Zip(values))
        {
            if (value is null) continue;
            document[name] = name switch
            {
                "n" or "number" or "price" => JsonNode.Parse(value),
                "@timestamp" when value[10] == ' ' => DateTime.Parse(value, CultureInfo.InvariantCulture).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                _ => value,
            };
        }

        return document;
    }
}
