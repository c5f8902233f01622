using System.Net;
using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A table of documents: <c>id</c>, <c>content</c> of type json, and the time of the last update.</summary>
internal class PostgresDataSet(PostgresServer server, string table, FollowWay follow) : SourceDataSet
{
    private readonly HashSet<NpgsqlConnection> _open = [];

    public string Table => table;

    public virtual PostgresSourceOptions Options => new()
    {
        Host = server.Host,
        Port = server.Port,
        User = server.User,
        Database = "postgres",
        Table = table,
        Shape = TableShape.Document,
        UpdatedColumn = "updated",
        Follow = follow,
        Slot = table,
        Publication = table,
        PoolSize = 10,
    };

    public override IPEndPoint Server => server.EndPoint;

    /// <summary>A table under a new name.</summary>
    public static string NewName() => "set_" + Guid.NewGuid().ToString("N");

    public static async Task<PostgresDataSet> SeedAsync(
        PostgresServer server, IReadOnlyList<Document> documents, FollowWay follow, CancellationToken ct)
    {
        var set = new PostgresDataSet(server, NewName(), follow);
        await set.SeedAsync(documents, ct);
        return set;
    }

    /// <summary>Makes what there is to read from.</summary>
    public virtual async Task SeedAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        await CreateAsync();
        await using var connection = await server.Pool.OpenConnectionAsync(ct);
        foreach (var (columns, values) in Copies(documents))
        {
            await using var import = await connection.BeginBinaryImportAsync($"COPY {columns} FROM STDIN (FORMAT binary)", ct);
            foreach (var row in values)
            {
                await import.StartRowAsync(ct);
                foreach (var value in row)
                {
                    if (value is Document content) await import.WriteAsync(content.Json, NpgsqlTypes.NpgsqlDbType.Json, ct);
                    else await import.WriteAsync(value, ct);
                }
            }

            await import.CompleteAsync(ct);
        }

        if (follow == FollowWay.UpdatedColumn) await server.IsAtRestAsync();
    }

    protected virtual async Task CreateAsync()
    {
        await server.ExecuteAsync($"CREATE TABLE {Table} (id text PRIMARY KEY, content json, updated timestamptz NOT NULL DEFAULT now())");
        await server.ExecuteAsync($"CREATE INDEX ON {Table} (updated, id)");
    }

    // The rows to begin with, by table; a document in them stands for its JSON.
    protected virtual IEnumerable<(string Columns, IEnumerable<object[]> Values)> Copies(IReadOnlyList<Document> documents) =>
        [($"{Table} (id, content)", documents.Select(d => new object[] { d.Key, d }))];

    // Inserts or replaces: $1 are the keys, $2 the documents.
    protected virtual string PutStatement =>
        $"INSERT INTO {Table} SELECT * FROM unnest($1, $2::json[]) ON CONFLICT (id) DO UPDATE SET content = excluded.content, updated = now()";

    protected virtual string DeleteStatement => $"DELETE FROM {Table} WHERE id = ANY($1)";

    protected PostgresServer Postgres => server;

    public override IDataSource Open(SourceKnobs knobs) => new PostgresSource(
        Options with { Port = knobs.Through?.Port ?? server.Port },
        new RunOptions(),
        TimeProvider.System,
        NullLogger.Instance,
        new SourceTuning
        {
            BatchRecords = knobs.PageSize,
            CopyRecords = knobs.PageSize,
            WindowBlocks = knobs.PageSize < 100 ? 1u : 2048,
            LeastBlocks = 1,
            HorizonMargin = TimeSpan.Zero,
            Timeout = knobs.Timeout ?? TimeSpan.FromSeconds(30),
        });

    public override async Task PutAsync(IReadOnlyList<Document> documents, CancellationToken ct) => await (await BeginPutAsync(documents, ct))();

    public override async Task<Func<Task>> BeginPutAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        var connection = await server.Pool.OpenConnectionAsync(ct);
        lock (_open) _open.Add(connection);
        var transaction = await connection.BeginTransactionAsync(ct);
        await using var command = new NpgsqlCommand(PutStatement, connection, transaction);
        command.Parameters.Add(new NpgsqlParameter { Value = documents.Select(d => d.Key).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = documents.Select(d => d.Json).ToArray() });
        await command.ExecuteNonQueryAsync(ct);
        return async () =>
        {
            await transaction.CommitAsync(ct);
            lock (_open) _open.Remove(connection);
            await connection.DisposeAsync();
        };
    }

    public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken ct) =>
        server.ExecuteAsync(DeleteStatement, (object)keys.ToArray());

    public override async Task<string> PutMalformedAsync(CancellationToken ct)
    {
        await server.ExecuteAsync($"INSERT INTO {table} VALUES ('malformed', '[1]')");
        var place = (await server.RowsAsync($"SELECT trim('()' FROM ctid::text) FROM {table} WHERE id = 'malformed'"))[0][0].Split(',');
        return $"public.{table} row {(long.Parse(place[0]) << 16) | long.Parse(place[1])}";
    }

    // What the server says when an administrator ends a session: E, its length, and its fields.
    public override void OrderServerError(TcpProxy proxy)
    {
        var fields = Encoding.ASCII.GetBytes("SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0");
        proxy.AnswerNextWith((byte[])[(byte)'E', 0, 0, 0, (byte)(fields.Length + 4), .. fields]);
    }

    public override async ValueTask DisposeAsync()
    {
        // A transaction that a failed test has left open would keep the table.
        NpgsqlConnection[] open;
        lock (_open) open = [.. _open];
        foreach (var connection in open) await connection.DisposeAsync();
        await base.DisposeAsync();
        if (server.IsDown) return;
        await server.DropSlotAsync(table);
        await DropAsync();
    }

    protected virtual Task DropAsync() => server.ExecuteAsync($"DROP TABLE {table}");
}
