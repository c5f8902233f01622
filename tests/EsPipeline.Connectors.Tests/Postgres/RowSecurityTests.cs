using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Tables of which a policy hides rows from the user.</summary>
public sealed class RowSecurityTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_table_is_refused_whose_rows_the_user_does_not_all_see()
    {
        await using var place = await PlaceAsync();
        await place.IsRefusedAsync(place.Options, null);
        await place.IsRefusedAsync(place.Options, "id > 3");
        await place.Server.ExecuteAsync($"ALTER ROLE {place.Table} BYPASSRLS");
        await using var following = new Following(place.Options);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        Assert.Equal(20, following.Held.Count);
    }

    [Fact]
    public async Task A_policy_that_comes_while_a_table_is_followed_deletes_nothing()
    {
        await using var place = await PlaceAsync();
        await place.Server.ExecuteAsync($"ALTER TABLE {place.Table} DISABLE ROW LEVEL SECURITY");
        await using var following = new Following(place.Options);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await place.Server.ExecuteAsync($"ALTER TABLE {place.Table} ENABLE ROW LEVEL SECURITY; UPDATE {place.Table} SET word = 'changed'");
        var refused = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Changes, Ct));
        Assert.Equal(PostgresErrors.RowSecurity, refused.Error);
        Assert.Equal(20, following.Held.Count);
    }

    [Fact]
    public async Task A_whole_select_is_refused() => await (await PlaceAsync()).IsRefusedAsync(null, "SELECT * FROM {0}");

    [Fact]
    public async Task Documents_of_several_tables_are_refused_whichever_of_them_hides_rows()
    {
        await using var place = await PlaceAsync();
        await place.Server.ExecuteAsync($"CREATE TABLE {place.Table}_root (id int PRIMARY KEY); INSERT INTO {place.Table}_root SELECT generate_series(1, 5); GRANT SELECT ON {place.Table}_root TO {place.Table}");
        var file = place.Folder.File("documents.yaml");
        await File.WriteAllTextAsync(file, $"root: {place.Table}_root\ndocument: SELECT r.id, t.word FROM {place.Table}_root r LEFT JOIN {place.Table} t USING (id) WHERE r.id = ANY(@keys)\n", Ct);
        var options = place.Options with { Table = "", Documents = file };
        await place.IsRefusedAsync(options, null);
        await File.WriteAllTextAsync(file, $"root: {place.Table}\ndocument: SELECT id, word FROM {place.Table} WHERE id = ANY(@keys)\n", Ct);
        await place.IsRefusedAsync(options, null);
        await place.Server.ExecuteAsync($"DROP TABLE {place.Table}_root");
    }

    [Fact]
    public async Task A_table_is_not_written_of_which_rows_that_are_to_be_deleted_may_be_hidden()
    {
        await using var place = await PlaceAsync();
        await place.Server.ExecuteAsync($"GRANT INSERT, UPDATE, DELETE ON {place.Table} TO {place.Table}");
        await using (var sink = new PostgresSink(place.Options, new RunOptions(), TimeProvider.System))
        {
            Assert.Equal(PostgresErrors.RowSecurity.Code, (await Health.OfAsync(sink)).Problem?.Code);
            var refused = await Assert.ThrowsAsync<PipelineException>(() => sink.PrepareAsync(SourceSchema.Unknown, Ct));
            Assert.Equal(PostgresErrors.RowSecurity, refused.Error);
        }

        await place.Server.ExecuteAsync($"ALTER ROLE {place.Table} BYPASSRLS");
        await using var seeing = new PostgresSink(place.Options, new RunOptions(), TimeProvider.System);
        Assert.Null((await Health.OfAsync(seeing)).Problem);
        await seeing.PrepareAsync(SourceSchema.Unknown, Ct);
        using var delete = Slices.Deletes("15");
        Assert.Equal(1, (await seeing.WriteAsync(delete.Slice(), Ct)).Written);
        Assert.Equal(19, await place.Server.ScalarAsync<long>($"SELECT count(*) FROM {place.Table}"));
    }

    private async Task<Place> PlaceAsync()
    {
        var place = new Place(await shared.GetAsync());
        await place.Server.ExecuteAsync($"CREATE TABLE {place.Table} (id int PRIMARY KEY, word text); INSERT INTO {place.Table} SELECT i, 'word' FROM generate_series(1, 20) i");
        await place.Server.ExecuteAsync($"CREATE POLICY seen ON {place.Table} USING (id <= 10); ALTER TABLE {place.Table} ENABLE ROW LEVEL SECURITY");
        await place.Server.ExecuteAsync($"CREATE ROLE {place.Table} LOGIN; GRANT SELECT ON {place.Table} TO {place.Table}");
        return place;
    }

    private sealed class Place(PostgresServer server) : IAsyncDisposable
    {
        public PostgresServer Server => server;

        public TemporaryFolder Folder { get; } = new();

        public string Table { get; } = "secured_" + Guid.NewGuid().ToString("N")[..16];

        public PostgresSourceOptions Options => new() { Host = server.Host, Port = server.Port, User = Table, Table = Table };

        public async Task IsRefusedAsync(PostgresSourceOptions? options, string? query)
        {
            var run = new RunOptions { Query = query?.Replace("{0}", Table, StringComparison.Ordinal), Mode = options is null ? RunMode.Custom : null };
            await using var source = new PostgresSource(options ?? Options with { Key = ["id"] }, run, TimeProvider.System, NullLogger<PostgresSource>.Instance);
            var refused = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadAsync(
                source, new ReadPlan(ReadKind.Snapshot, new Selection(run.Query), 2, new Dictionary<PartitionId, Position>()), Ct));
            Assert.Equal(PostgresErrors.RowSecurity, refused.Error);
        }

        public async ValueTask DisposeAsync()
        {
            await server.ExecuteAsync($"DROP TABLE {Table}; DROP OWNED BY {Table}; DROP ROLE {Table}");
            Folder.Dispose();
        }
    }
}
