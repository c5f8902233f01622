using System.Net;
using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>A database to write documents to, a row for each.</summary>
internal class MySqlTarget(MySqlDatabase database, MySqlOptions options) : SinkTarget
{
    protected MySqlDatabase Database => database;

    public MySqlOptions Options => options;

    public override IPEndPoint? Server => database.Server.EndPoint;

    public override string Commit => "COMMIT";

    public override IReadOnlyList<RefusedDocument> Refused =>
    [
        new(new Document(new string('x', 4000), "{}"), "'id'"),
        new(new Document("too-deep", string.Concat(Enumerable.Repeat("""{"a":""", 60)) + "1" + new string('}', 60)), "content"),
    ];

    /// <summary>Runs statements in the database.</summary>
    public Task ExecuteAsync(params string[] statements) => database.ExecuteAsync(statements);

    public override IDataSink Open(SinkKnobs knobs)
    {
        var through = MySqlDatabase.Through(options, knobs.Through);
        return database.Sink(knobs.Timeout is { } timeout ? through with { Timeout = timeout } : through);
    }

    public override async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken ct) =>
        (await database.RowsAsync($"SELECT id,content FROM {database.Name}.docs")).ToDictionary(r => r[0]!, r => r[1]!);

    public override async Task<IDataSink> OpenAsync(SinkFault fault, CancellationToken ct)
    {
        switch (fault)
        {
            case SinkFault.WrongPassword:
                await database.ExecuteAsync(
                    $"CREATE USER IF NOT EXISTS 'u{database.Name}' IDENTIFIED BY 'right'", $"GRANT ALL ON {database.Name}.* TO 'u{database.Name}'");
                return database.Sink(options with { User = $"u{database.Name}", Password = new Secret("S3cr3t!%40/:?#") });
            case SinkFault.MissingTarget:
                return database.Sink(options with { Database = "not_there" });
            default:
                return await base.OpenAsync(fault, ct);
        }
    }

    public override async Task<string> DescribeAsync(CancellationToken ct) =>
        (await database.RowsAsync($"SHOW CREATE TABLE {database.Name}.docs"))[0][1]!;

    public override async Task<(IDataSink Sink, string Named)> OpenMisfitAsync(CancellationToken ct)
    {
        await database.ExecuteAsync("CREATE TABLE misfit (id VARCHAR(64) PRIMARY KEY, content INT)");
        return (database.Sink(options with { Table = "misfit", Shape = MySqlShape.Document, ContentColumn = "content" }), "'content' is int(11)");
    }

    public override async Task CrashServerAsync(CancellationToken ct)
    {
        database.Server.Kill();
        await database.Server.LaunchAsync(ct);
    }

    public override async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        await base.DisposeAsync();
    }
}
