using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What holds for every way to write to MariaDB.</summary>
public abstract class MySqlSinkConformance(MySqlServers servers) : SinkConformance
{
    private bool _mayBeKilled;

    protected abstract SinkTarget TargetOn(MySqlDatabase database);

    protected override async Task<SinkTarget> CreateAsync(CancellationToken ct) => TargetOn(await servers.NewDatabaseAsync(_mayBeKilled));

    [Fact]
    public override Task What_was_written_survives_a_crash_of_the_server()
    {
        _mayBeKilled = true;
        return base.What_was_written_survives_a_crash_of_the_server();
    }

    [Fact(DisplayName = "A full disk: the tablespace is full; MariaDB itself ends when a whole disk is")]
    public override async Task A_full_disk_is_for_a_person_to_mend()
    {
        await using var server = await MariaDbServer.StartAsync(Ct, "--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M;ibdata2:8M");
        await using var target = TargetOn(await MySqlDatabase.CreateAsync(server));
        await using var sink = await OpenAsync(target);
        var full = await Assert.ThrowsAsync<PipelineException>(async () =>
        {
            for (var i = 0; i < 100; i++) await WriteAllAsync(sink, Enumerable.Range(0, 50).Select(n => Corpus.OfBytes($"large-{i}-{n}", 10_000)).ToArray());
        });
        Assert.Equal((MySqlErrors.NoRoom, FailureKind.Environment), (full.Error, full.Kind));
    }

    [Fact(DisplayName = "Throttling is transient: too many connections; MySQL names no delay")]
    public override async Task Throttling_is_transient_and_keeps_the_servers_delay()
    {
        await using var target = await CreateAsync(Ct);
        var options = ((MySqlTarget)target).Options;
        await using (var first = await OpenAsync(target))
        {
            await WriteAllAsync(first, Corpus.Plain(1).ToArray());
        }

        var server = await servers.SharedAsync();
        var user = $"few_{options.Database}";
        await server.ExecuteAsync($"CREATE USER '{user}' IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1", $"GRANT ALL ON {options.Database}.* TO '{user}'");
        var few = options with { User = user, Password = new Secret("x") };
        await using var holder = await MySqlConnection.OpenAsync(
            few, SessionUse.Read, few.Timeout, TimeProvider.System, NullLogger.Instance, Ct);
        await using var sink = new MySqlSink(new MySqlSinkOptions(few), new RunOptions(), TimeProvider.System, NullLogger<MySqlSink>.Instance);
        Assert.Equal(MySqlErrors.TooManyConnections, (await sink.CheckAsync(Ct)).Problem?.Error);
        Assert.Equal(FailureKind.Transient, MySqlErrors.TooManyConnections.Kind);
        await holder.DisposeAsync();
        await server.ExecuteAsync($"DROP USER '{user}'");
    }
}

[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlDocumentSinkTests(MySqlServers servers) : MySqlSinkConformance(servers)
{
    protected override SinkTarget TargetOn(MySqlDatabase database) => new MySqlTarget(database, database.Options);

    // VARCHAR(768); --db-key-type bytes takes longer ones.
    protected override bool CanHold(Document document) => document.Key.Length <= 768;

    // How deep JSON may be, the server says.
    protected override IReadOnlyList<RefusedDocument> FoundBeforehand(SinkTarget target) => [.. target.Refused.Where(r => r.Document.Key != "too-deep")];
}

[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlBytesKeySinkTests(MySqlServers servers) : MySqlSinkConformance(servers)
{
    protected override SinkTarget TargetOn(MySqlDatabase database) => new MySqlTarget(database, database.SinkOptions with { KeyType = MySqlKeyType.Bytes });

    // How deep JSON may be, the server says.
    protected override IReadOnlyList<RefusedDocument> FoundBeforehand(SinkTarget target) => [.. target.Refused.Where(r => r.Document.Key != "too-deep")];
}

[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlColumnsSinkTests(MySqlServers servers) : MySqlSinkConformance(servers)
{
    protected override SinkTarget TargetOn(MySqlDatabase database) => new MySqlColumnsTarget(database);

    // The table has columns for the fields of plain documents; awkward keys come with a number. What else a document may hold is tested with
    // columns of its own.
    protected override bool CanHold(Document document) => Corpus.Keys.Contains(document) && document.Key.Length <= 768;
}

/// <summary>A table with a trigger, which is written to by statements of text.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlTextSinkTests(MySqlServers servers) : MySqlSinkConformance(servers)
{
    protected override SinkTarget TargetOn(MySqlDatabase database) => new MySqlTarget(database, database.Options);

    // VARCHAR(768), as in the table that is made.
    protected override bool CanHold(Document document) => document.Key.Length <= 768;

    // How deep JSON may be, the server says.
    protected override IReadOnlyList<RefusedDocument> FoundBeforehand(SinkTarget target) => [.. target.Refused.Where(r => r.Document.Key != "too-deep")];

    protected override async Task<SinkTarget> CreateAsync(CancellationToken ct)
    {
        var target = (MySqlTarget)await base.CreateAsync(ct);
        await using (var sink = target.Open(new SinkKnobs())) await sink.PrepareAsync(target.Schema, ct);
        await target.ExecuteAsync("CREATE TRIGGER written BEFORE INSERT ON docs FOR EACH ROW SET @written=1");
        return target;
    }
}
