using System.Globalization;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A table of rows of 10 KB, so that no buffer between server and source holds many.</summary>
internal sealed class WideTable(PostgresServer server) : IAsyncDisposable
{
    public PostgresServer Server { get; set; } = server;

    public string Name { get; } = "wide_" + Guid.NewGuid().ToString("N")[..16];

    public static async Task<WideTable> MakeAsync(PostgresServer server)
    {
        var table = new WideTable(server);
        await server.ExecuteAsync($"CREATE TABLE {table.Name} (id int PRIMARY KEY, pad text, word text, gone int DEFAULT 1, updated timestamptz NOT NULL DEFAULT clock_timestamp())");
        await server.ExecuteAsync($"INSERT INTO {table.Name} SELECT i, repeat('x', 10000), 'first' FROM generate_series(1, 50) i");
        await server.ExecuteAsync($"CREATE INDEX ON {table.Name} (updated, id)");
        return table;
    }

    public PostgresSourceOptions Options(FollowWay way = FollowWay.Changes, int? port = null) => new()
    {
        Host = Server.Host, Port = port ?? Server.Port, User = Server.User, Table = Name, Follow = way, UpdatedColumn = "updated", Slot = Name, Publication = Name,
    };

    /// <summary>More transactions than are read ahead.</summary>
    public async Task ChangeALotAsync()
    {
        await Server.ExecuteAsync($"DO $$ BEGIN FOR i IN 101..2100 LOOP INSERT INTO {Name} VALUES (i, repeat('y', 10000), 'second'); COMMIT; END LOOP; END $$");
        await Server.IsAtRestAsync();
    }

    /// <summary>What a copy of it has to hold.</summary>
    public async Task<IReadOnlyList<Document>> DocumentsAsync() =>
        (await Server.RowsAsync(string.Create(CultureInfo.InvariantCulture, $"SELECT id::text, row_to_json(t)::text FROM {Name} t"))).ConvertAll(r => new Document(r[0], r[1]));

    public async ValueTask DisposeAsync()
    {
        if (Server.IsDown) return;
        await Server.DropSlotAsync(Name);
        await Server.ExecuteAsync($"DROP TABLE IF EXISTS {Name}");
    }
}
