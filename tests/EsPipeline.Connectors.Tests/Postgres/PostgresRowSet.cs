using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A table of columns with a key of two, a number and a text: a document is made of all of them.</summary>
internal sealed class PostgresRowSet(PostgresServer server, string table, FollowWay follow) : PostgresDataSet(server, table, follow)
{
    private Dictionary<string, string> _updated = [];

    public override PostgresSourceOptions Options => base.Options with { Shape = TableShape.Columns };

    protected override string PutStatement => $"""
        INSERT INTO {Table} SELECT length(k) % 3, * FROM unnest($1, $2::json[]) q(k, v)
        ON CONFLICT (part, id) DO UPDATE SET content = excluded.content, updated = now()
        """;

    public override Document Expected(Document document) => new(
        KeyText.Join([PartOf(document).ToString(System.Globalization.CultureInfo.InvariantCulture), document.Key]),
        $$"""{"part":{{PartOf(document)}},"id":{{System.Text.Json.JsonSerializer.Serialize(document.Key)}},"content":{{document.Json}},"updated":{{_updated[document.Key]}}}""");

    public override async Task<Func<Task>> BeginPutAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        var commit = await base.BeginPutAsync(documents, ct);
        return async () =>
        {
            await commit();
            await NoteTimesAsync();
        };
    }

    protected override async Task CreateAsync()
    {
        await Postgres.ExecuteAsync($"CREATE TABLE {Table} (part int, id text, content json, updated timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (part, id))");
        await Postgres.ExecuteAsync($"CREATE INDEX ON {Table} (updated, part, id)");
    }

    protected override IEnumerable<(string Columns, IEnumerable<object[]> Values)> Copies(IReadOnlyList<Document> documents) =>
        [($"{Table} (part, id, content)", documents.Select(d => new object[] { PartOf(d), d.Key, d }))];

    public override async Task SeedAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        await base.SeedAsync(documents, ct);
        await NoteTimesAsync();
    }

    // As PostgreSQL itself counts: code points.
    private static int PartOf(Document document) => document.Key.EnumerateRunes().Count() % 3;

    private async Task NoteTimesAsync() =>
        _updated = (await Postgres.RowsAsync($"SELECT id, to_json(updated AT TIME ZONE 'UTC')::text FROM {Table}")).ToDictionary(r => r[0], r => r[1].Insert(r[1].Length - 1, "+00:00"));
}

/// <summary>Two tables of which <c>--pg-documents</c> makes one document.</summary>
internal sealed class PostgresJoinedSet(PostgresServer server, string table, FollowWay follow) : PostgresDataSet(server, table, follow)
{
    private readonly TemporaryFolder _folder = new();

    public override PostgresSourceOptions Options => base.Options with
    {
        Table = "", Shape = TableShape.Auto, UpdatedColumn = "", Documents = _folder.File("documents.yaml"),
    };

    // In one transaction: the root's row, and what lies beside it.
    protected override string PutStatement => $"""
        WITH roots AS (INSERT INTO {Table} SELECT unnest($1) ON CONFLICT DO NOTHING)
        INSERT INTO {Table}_content SELECT * FROM unnest($1, $2::json[]) ON CONFLICT (root) DO UPDATE SET content = excluded.content, updated = now()
        """;

    protected override string DeleteStatement => $"WITH contents AS (DELETE FROM {Table}_content WHERE root = ANY($1)) DELETE FROM {Table} WHERE id = ANY($1)";

    public override Document Expected(Document document) =>
        document with { Json = $$"""{"id":{{System.Text.Json.JsonSerializer.Serialize(document.Key)}},"content":{{document.Json}}}""" };

    protected override async Task CreateAsync()
    {
        await Postgres.ExecuteAsync($"CREATE TABLE {Table} (id text PRIMARY KEY, updated timestamptz NOT NULL DEFAULT now())");
        await Postgres.ExecuteAsync($"CREATE TABLE {Table}_content (root text PRIMARY KEY, content json, updated timestamptz NOT NULL DEFAULT now())");
        await Postgres.ExecuteAsync($"CREATE INDEX ON {Table} (updated, id); CREATE INDEX ON {Table}_content (updated, root)");
        await File.WriteAllTextAsync(_folder.File("documents.yaml"), $"""
            root: {Table}
            updated: updated
            document: SELECT t.id, c.content FROM {Table} t LEFT JOIN {Table}_content c ON c.root = t.id WHERE t.id = ANY(@keys)
            tables:
              - table: {Table}_content
                updated: updated
            """);
    }

    public override async Task<string> PutMalformedAsync(CancellationToken ct)
    {
        await Postgres.ExecuteAsync($"INSERT INTO {Table} VALUES ('')");
        var place = (await Postgres.RowsAsync($"SELECT trim('()' FROM ctid::text) FROM {Table} WHERE id = ''"))[0][0].Split(',');
        return $"public.{Table} row {(long.Parse(place[0]) << 16) | long.Parse(place[1])}";
    }

    protected override IEnumerable<(string Columns, IEnumerable<object[]> Values)> Copies(IReadOnlyList<Document> documents) =>
    [
        ($"{Table} (id)", documents.Select(d => new object[] { d.Key })),
        ($"{Table}_content (root, content)", documents.Select(d => new object[] { d.Key, d })),
    ];

    protected override async Task DropAsync()
    {
        await Postgres.ExecuteAsync($"DROP TABLE {Table}, {Table}_content");
        _folder.Dispose();
    }
}
