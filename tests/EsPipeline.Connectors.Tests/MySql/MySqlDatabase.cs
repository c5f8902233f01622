using System.Net;
using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>One test's database on a real server.</summary>
public sealed class MySqlDatabase : IAsyncDisposable
{
    private MySqlDatabase(MariaDbServer server, string name) => (Server, Name) = (server, name);

    public MariaDbServer Server { get; }

    public string Name { get; }

    /// <summary>Which server, as whom, and the table <c>docs</c> in this database.</summary>
    public MySqlOptions Options => Server.Options with { Database = Name, Table = "docs" };

    /// <summary>The same, and how it is read.</summary>
    public MySqlSourceOptions SourceOptions => new(Options);

    /// <summary>The same, and how it is written.</summary>
    public MySqlSinkOptions SinkOptions => new(Options);

    public static async Task<MySqlDatabase> CreateAsync(MariaDbServer server)
    {
        var database = new MySqlDatabase(server, $"test_{Guid.NewGuid():N}"[..20]);
        await server.ExecuteAsync($"CREATE DATABASE {database.Name} CHARACTER SET utf8mb4");
        return database;
    }

    /// <summary>Runs statements in this database, one after the other on one connection.</summary>
    public Task ExecuteAsync(params string[] statements) => Server.ExecuteAsync([$"USE {Name}", .. statements]);

    /// <summary>The rows of a query, whose tables are named with their database.</summary>
    public Task<IReadOnlyList<string?[]>> RowsAsync(string query) => Server.RowsAsync(query);

    /// <summary>A sink; not prepared yet.</summary>
    public MySqlSink Sink(MySqlOptions? options = null, RunOptions? run = null, ILogger<MySqlSink>? log = null) =>
        new(Sinks(options ?? Options), run ?? new RunOptions(), TimeProvider.System, log ?? NullLogger<MySqlSink>.Instance);

    /// <summary>A source.</summary>
    /// <param name="options">Its options; this database's where null.</param>
    /// <param name="run">The run's.</param>
    /// <param name="pageSize">Rows of a page.</param>
    /// <param name="log">Where it logs.</param>
    public MySqlSource Source(MySqlOptions? options = null, RunOptions? run = null, int? pageSize = null, ILogger<MySqlSource>? log = null) =>
        new(Sources(options ?? Options), run ?? new RunOptions { Overlap = TimeSpan.Zero }, TimeProvider.System, log ?? NullLogger<MySqlSource>.Instance) { PageSize = pageSize };

    /// <summary>Everything that a source reads.</summary>
    public static Task<SourceReading> ReadAsync(IDataSource source, Selection? selection = null, int parallelism = 1) => SourceReader.ReadAsync(
        source,
        new ReadPlan(ReadKind.Snapshot, selection ?? Selection.Everything, parallelism, new Dictionary<Core.Records.PartitionId, Core.Records.Position>()),
        TestContext.Current.CancellationToken);

    /// <summary>The same options with another address.</summary>
    public static T Through<T>(T options, IPEndPoint? address) where T : MySqlOptions =>
        address is null ? options : options with { Host = address.Address.ToString(), Port = address.Port };

    /// <summary>Documents as the values of an INSERT of key and content, some statements' worth of them.</summary>
    public static IEnumerable<string> Inserts(string table, IEnumerable<Document> documents)
    {
        foreach (var chunk in documents.Chunk(1000))
        {
            var sql = new StringBuilder($"INSERT INTO {table} (id,content) VALUES ");
            foreach (var (i, document) in chunk.Index())
            {
                sql.Append(i == 0 ? "(" : ",(").Append(SqlText.Literal(document.Key)).Append(',').Append(SqlText.Literal(document.Json)).Append(')');
            }

            yield return sql.Append(" ON DUPLICATE KEY UPDATE content=VALUES(content)").ToString();
        }
    }

    private static MySqlSourceOptions Sources(MySqlOptions options) => options as MySqlSourceOptions ?? new MySqlSourceOptions(options);

    private static MySqlSinkOptions Sinks(MySqlOptions options) => options as MySqlSinkOptions ?? new MySqlSinkOptions(options);

    public async ValueTask DisposeAsync() => await Server.ExecuteAsync($"DROP DATABASE IF EXISTS {Name}");
}
