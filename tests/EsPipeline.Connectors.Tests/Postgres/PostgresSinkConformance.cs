using System.Net;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A table of documents of one test, made by the sink itself.</summary>
internal sealed class PostgresTarget(PostgresServer server, string table, PostgresServer? own = null) : SinkTarget
{
    private readonly List<string> _cleanups = [];
    private PostgresServer? _secured;

    public PostgresOptions Options => new() { Host = server.Host, Port = server.Port, User = server.User, Table = table };

    public override IPEndPoint Server => server.EndPoint;

    public override IReadOnlyList<RefusedDocument> Refused { get; } =
    [
        new(new Document("with\0nul", "{}"), "NUL"),
        new(new Document("escaped-nul", """{"v":"a\u0000b"}"""), "unsupported Unicode"),
        new(new Document(RandomText(6000), "{}"), "index row size"),
    ];

    public override IDataSink Open(SinkKnobs knobs) =>
        new PostgresSink(Options with { Port = knobs.Through?.Port ?? server.Port }, new RunOptions(), TimeProvider.System, knobs.Timeout ?? TimeSpan.FromSeconds(30));

    public override async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken ct) =>
        (await server.RowsAsync($"SELECT id, content::text FROM {table}")).ToDictionary(r => r[0], r => r[1]);

    public override async Task<IDataSink> OpenAsync(SinkFault fault, CancellationToken ct)
    {
        switch (fault)
        {
            case SinkFault.WrongPassword:
                _secured = await PostgresServer.StartSecuredAsync();
                return new PostgresSink(Options with { Port = _secured.Port, Password = new Secret("wrong") }, new RunOptions(), TimeProvider.System);
            case SinkFault.MissingTarget:
                return new PostgresSink(Options with { Table = "no_such_schema.t" }, new RunOptions(), TimeProvider.System);
            default:
                // What the server says when its disk is full, said by a trigger: a full disk of its own would need a file system.
                await server.ExecuteAsync($"CREATE TABLE {table} (id text PRIMARY KEY, content jsonb NOT NULL)");
                await server.ExecuteAsync(
                    $"CREATE FUNCTION {table}_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$");
                await server.ExecuteAsync($"CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_full()");
                return Open(new SinkKnobs());
        }
    }

    public override async Task<string> DescribeAsync(CancellationToken ct) => string.Join(';', (await server.RowsAsync(
        "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum", table))
        .Select(r => string.Join(',', r)));

    public override async Task<(IDataSink Sink, string Named)> OpenMisfitAsync(CancellationToken ct)
    {
        await server.ExecuteAsync($"CREATE TABLE {table}_misfit (id text PRIMARY KEY, content jsonb, made_by text NOT NULL)");
        _cleanups.Add($"DROP TABLE {table}_misfit");
        return (new PostgresSink(Options with { Table = table + "_misfit" }, new RunOptions(), TimeProvider.System), "made_by");
    }

    public override async Task CrashServerAsync(CancellationToken ct)
    {
        await own!.DownAsync("immediate");
        await own.UpAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var statement in _cleanups) await server.ExecuteAsync(statement);
        await server.ExecuteAsync($"DROP TABLE IF EXISTS {table}; DROP FUNCTION IF EXISTS {table}_full");
        if (_secured is not null) await _secured.DisposeAsync();
        if (own is not null) await own.DisposeAsync();
        await base.DisposeAsync();
    }

    // Text that does not compress, so that it stays longer than an index takes.
    private static string RandomText(int length)
    {
        var random = new Random(7);
        return new string([.. Enumerable.Range(0, length).Select(_ => (char)random.Next('!', '~'))]);
    }
}

public sealed class PostgresSinkConformance(SharedPostgres shared) : SinkConformance
{
    [Fact(DisplayName = "Throttling: PostgreSQL sets no delay; too many connections are transient")]
    public override async Task Throttling_is_transient_and_keeps_the_servers_delay()
    {
        await using var server = await PostgresServer.StartAsync("max_connections=5", "superuser_reserved_connections=3", "max_wal_senders=0");
        await server.ExecuteAsync("CREATE ROLE writer LOGIN");
        await server.ExecuteAsync("CREATE DATABASE full_house OWNER writer");
        var options = new PostgresOptions { Host = server.Host, Port = server.Port, User = "writer", Database = "full_house", Table = "t" };
        await using var first = new PostgresSink(options, new RunOptions(), TimeProvider.System);
        await first.PrepareAsync(Core.Sources.SourceSchema.Unknown, Ct);
        await using var second = new PostgresSink(options, new RunOptions(), TimeProvider.System);
        Assert.Equal(Core.Errors.FailureKind.Transient, (await second.CheckAsync(Ct)).Problem?.Kind);
    }

    [Fact]
    public override async Task What_was_written_survives_a_crash_of_the_server()
    {
        Document[] documents = [.. Corpus.Plain(500)];
        var own = await PostgresServer.StartAsync();
        await using var target = new PostgresTarget(own, "written", own);
        await using var sink = await OpenAsync(target);
        await WriteAllAsync(sink, documents);
        await target.CrashServerAsync(Ct);
        ContentAssert.Same(documents, await target.ReadAllAsync(Ct));
    }

    [Fact]
    public async Task A_rehearsal_without_a_table_makes_none_and_still_finds_a_key_with_nul()
    {
        await using var target = (PostgresTarget)await CreateAsync(Ct);
        await using var sink = new PostgresSink(target.Options, new RunOptions(), TimeProvider.System);
        var notes = await sink.PrepareRehearsalAsync(Core.Sources.SourceSchema.Unknown, reachable: true, Ct);
        Assert.Contains(notes, n => n.Contains(target.Options.Table, StringComparison.Ordinal));
        using var batch = Conformance.Slices.Of([target.Refused[0].Document, .. Corpus.Plain(2)]);
        var rehearsed = await sink.RehearseAsync(batch.Slice(), Ct);
        Assert.Equal((1, 0), (rehearsed.Requests, Assert.Single(rehearsed.Failures).Index));
        Assert.Equal("", await target.DescribeAsync(Ct));
    }

    // What a document may hold and how long a key is that an index takes, the server says.
    protected override IReadOnlyList<RefusedDocument> FoundBeforehand(SinkTarget target) => [.. target.Refused.Where(r => r.Reason == "NUL")];

    protected override async Task<SinkTarget> CreateAsync(CancellationToken ct) =>
        new PostgresTarget(await shared.GetAsync(), "sink_" + Guid.NewGuid().ToString("N"));
}
