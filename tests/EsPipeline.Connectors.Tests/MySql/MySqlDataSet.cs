using System.Net;
using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>A table of documents with the time of their last change, and a source over it.</summary>
internal sealed class MySqlDataSet(MySqlDatabase database) : SourceDataSet
{
    private const string Table =
        "CREATE TABLE docs (id VARCHAR(768) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PRIMARY KEY,content JSON NOT NULL,"
        + "updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),INDEX (updated_at)) ENGINE=InnoDB";

    private readonly HashSet<MySqlConnection> _open = [];

    /// <summary>The name of the database.</summary>
    public string Database => database.Name;

    public override IPEndPoint? Server => database.Server.EndPoint;

    public static async Task<MySqlDataSet> CreateAsync(MySqlDatabase database, IReadOnlyList<Document> documents)
    {
        await database.ExecuteAsync([Table, .. MySqlDatabase.Inserts("docs", documents), "ANALYZE TABLE docs"]);
        return new MySqlDataSet(database);
    }

    public override IDataSource Open(SourceKnobs knobs)
    {
        var options = MySqlDatabase.Through(database.SourceOptions, knobs.Through) with { UpdatedColumn = "updated_at", Shape = MySqlShape.Document };
        if (knobs.Timeout is { } timeout) options = options with { Timeout = timeout };

        // Nothing but the open transactions that the server tells of makes it wait for what is late.
        return database.Source(options, new RunOptions { Overlap = TimeSpan.Zero }, knobs.PageSize);
    }

    public override Task PutAsync(IReadOnlyList<Document> documents, CancellationToken ct) =>
        database.ExecuteAsync([.. MySqlDatabase.Inserts("docs", documents)]);

    public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken ct) =>
        database.ExecuteAsync($"DELETE FROM docs WHERE id IN ({string.Join(',', keys.Select(SqlText.Literal))})");

    public override async Task<Func<Task>> BeginPutAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        var connection = await database.Server.ConnectAsync();
        lock (_open) _open.Add(connection);
        await RunAsync([$"USE {database.Name}", "BEGIN", .. MySqlDatabase.Inserts("docs", documents)]);
        return async () =>
        {
            await RunAsync("COMMIT");
            lock (_open) _open.Remove(connection);
            await connection.DisposeAsync();
        };

        Task RunAsync(params string[] statements) => connection.RunAsync(
            session =>
            {
                foreach (var statement in statements) session.Execute(statement);
                return true;
            },
            ct);
    }

    public override async Task<string> PutMalformedAsync(CancellationToken ct)
    {
        await database.ExecuteAsync("SET check_constraint_checks=0", "INSERT INTO docs (id,content) VALUES ('doc-0000019-bad','{\"cut\":')");
        return "docs row 21";
    }

    public override async ValueTask DisposeAsync()
    {
        // A transaction that a failed test has left open would keep the database.
        MySqlConnection[] open;
        lock (_open) open = [.. _open];
        foreach (var connection in open) await connection.DisposeAsync();
        await database.DisposeAsync();
        await base.DisposeAsync();
    }
}
