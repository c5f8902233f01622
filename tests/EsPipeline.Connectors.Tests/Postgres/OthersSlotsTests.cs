using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Slots and publications that others have made, and slots that nobody would move on.</summary>
public sealed class OthersSlotsTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_sync_that_is_run_again_copies_what_has_changed_and_leaves_no_slot()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(50)], FollowWay.Changes, Ct);
        var run = new RunOptions { Mode = RunMode.FullSync };
        await using var first = new Following(set.Options, run: run);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await set.PutAsync([.. Corpus.Plain(60, seed: 2).Skip(40)], Ct);
        await using var second = new Following(set.Options, run: run) { Saved = first.Saved };
        foreach (var (key, json) in first.Held) second.Held[key] = json;
        Assert.Equal(20, await second.PassAsync(ReadKind.Changes, Ct));
        Assert.Equal(0, await second.PassAsync(ReadKind.Changes, Ct));
        ContentAssert.Same(Corpus.Plain(40).Concat(Corpus.Plain(60, seed: 2).Skip(40)), second.Held);
        Assert.Equal(0, await SlotsAsync(server, set.Table));

        // Followed from then on, it is copied anew, since the log of before is gone; a full sync then goes on where that is, and makes no other slot.
        await using var following = new Following(set.Options) { Saved = second.Saved };
        await following.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same(Corpus.Plain(40).Concat(Corpus.Plain(60, seed: 2).Skip(40)), following.Held);
        await following.DisposeAsync();
        await set.DeleteAsync([Corpus.PlainKey(0)], Ct);
        await using var third = new Following(set.Options, run: run) { Saved = following.Saved };
        Assert.Equal(1, await third.PassAsync(ReadKind.Changes, Ct));
        await third.DisposeAsync();
        await server.LoseSlotAsync(set.Table);
        await set.PutAsync([.. Corpus.Plain(5, seed: 3)], Ct);
        await using var last = new Following(set.Options, run: run) { Saved = third.Saved };
        await last.PassAsync(ReadKind.Changes, Ct);
        Assert.Superset(Corpus.Plain(5).Select(d => d.Key).ToHashSet(), last.Held.Keys.ToHashSet());
        Assert.Equal(0, await SlotsAsync(server, set.Table));
    }

    [Fact]
    public async Task A_slot_that_may_be_another_ones_is_left_alone()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        await server.ExecuteAsync($"SELECT pg_create_logical_replication_slot('{set.Table}', 'pgoutput')");
        var before = await ConfirmedAsync();
        await set.PutAsync([.. Corpus.Plain(20)], Ct);
        await using var following = new Following(set.Options);
        var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Snapshot, Ct));
        Assert.Equal(PostgresErrors.CannotReplicate, error.Error);
        Assert.Contains($"pg_drop_replication_slot('{set.Table}')", error.Remedy, StringComparison.Ordinal);
        Assert.Equal(before, await ConfirmedAsync());

        // Where its publication sends the table, somebody has made both for this job.
        await server.ExecuteAsync($"CREATE PUBLICATION {set.Table} FOR TABLE {set.Table}");
        await following.PassAsync(ReadKind.Snapshot, Ct);
        ContentAssert.Same(Corpus.Plain(20), following.Held);

        async Task<string> ConfirmedAsync() => (await server.RowsAsync($"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = '{set.Table}'"))[0][0];
    }

    [Fact]
    public async Task A_slot_that_somebody_else_has_made_under_the_jobs_name_is_left_alone()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        await using var first = new Following(set.Options);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.PassAsync(ReadKind.Changes, Ct);
        await first.DisposeAsync();
        await server.DropSlotAsync(set.Table);
        await set.PutAsync([.. Corpus.Plain(20)], Ct);
        await server.ExecuteAsync($"SELECT pg_create_logical_replication_slot('{set.Table}', 'pgoutput')");
        var theirs = await SlotAsync();
        await using var next = new Following(set.Options) { Saved = first.Saved };
        var error = await Assert.ThrowsAsync<PipelineException>(() => next.PassAsync(ReadKind.Changes, Ct));
        Assert.Equal(PostgresErrors.CannotReplicate, error.Error);
        Assert.Contains("further than this job has read", error.Message, StringComparison.Ordinal);
        Assert.Contains($"pg_drop_replication_slot('{set.Table}')", error.Remedy, StringComparison.Ordinal);
        Assert.Equal(theirs, await SlotAsync());

        // Once it is known that nobody needs it, everything is copied anew.
        await server.ExecuteAsync($"SELECT pg_drop_replication_slot('{set.Table}')");
        await next.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same(Corpus.Plain(20), next.Held);

        async Task<string> SlotAsync() => (await server.RowsAsync($"SELECT restart_lsn::text || confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '{set.Table}'"))[0][0];
    }

    [Theory]
    [InlineData("(id) WHERE (id < 'doc-0000005')", "rows")]
    [InlineData("WHERE (id < 'doc-0000005')", "rows")]
    [InlineData("(content)", "the column 'id'")]
    [InlineData("(id)", null)]
    public async Task A_publication_of_some_rows_is_not_taken_for_one_of_the_table(string part, string? missing)
    {
        var server = await shared.GetAsync();
        Assert.SkipUnless(await server.ScalarAsync<int>("SELECT current_setting('server_version_num')::int") >= 150000, "PostgreSQL 15 is the first that can.");
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        await using var following = new Following(set.Options);

        // Deletes and updates of a table are refused by the server where the publication lacks columns of its identity.
        await server.ExecuteAsync($"CREATE PUBLICATION {set.Table} FOR TABLE {set.Table} {part}");
        if (missing is not null)
        {
            var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Snapshot, Ct));
            Assert.Equal(PostgresErrors.CannotReplicate, error.Error);
            Assert.Contains($"leaves out {missing} of public.{set.Table}", error.Message, StringComparison.Ordinal);
            Assert.Contains($"ALTER PUBLICATION {set.Table} DROP TABLE", error.Remedy, StringComparison.Ordinal);
            return;
        }

        await following.PassAsync(ReadKind.Snapshot, Ct);
        await set.PutAsync([.. Corpus.Plain(5, seed: 2)], Ct);
        await set.DeleteAsync([Corpus.PlainKey(9)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same(Corpus.Plain(5, seed: 2).Concat(Corpus.Plain(9).Skip(5)), following.Held);
    }

    [Fact]
    public async Task Each_right_that_is_missing_to_publish_a_table_is_told_with_the_grant_that_gives_it()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        var (user, owner) = ("r" + Guid.NewGuid().ToString("N")[..12], "o" + Guid.NewGuid().ToString("N")[..12]);
        await server.ExecuteAsync($"CREATE ROLE {user} LOGIN REPLICATION; CREATE ROLE {owner}; ALTER TABLE {set.Table} OWNER TO {owner}; GRANT SELECT ON {set.Table} TO {user}");
        await using var following = new Following(set.Options with { User = user });
        var (create, own) = ($"GRANT CREATE ON DATABASE postgres TO \"{user}\";", $"GRANT {owner} TO \"{user}\";");

        var both = await RefusedAsync();
        Assert.Contains($"it lacks CREATE on the database postgres and the rights of {owner}, who owns public.{set.Table}", both.Message, StringComparison.Ordinal);
        Assert.StartsWith($"{create} {own} Or let somebody who may run: CREATE PUBLICATION {set.Table} FOR TABLE public.{set.Table};", both.Remedy, StringComparison.Ordinal);
        await server.ExecuteAsync(create);
        var one = await RefusedAsync();
        Assert.DoesNotContain("CREATE on", one.Message, StringComparison.Ordinal);
        Assert.StartsWith($"{own} Or", one.Remedy, StringComparison.Ordinal);
        await server.ExecuteAsync(own);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        Assert.Equal(10, following.Held.Count);

        // A publication that is there is somebody's, too.
        await following.DisposeAsync();
        await server.DropSlotAsync(set.Table);
        await server.ExecuteAsync($"CREATE PUBLICATION {set.Table}");
        await using var next = new Following(set.Options with { User = user });
        var error = await Assert.ThrowsAsync<PipelineException>(() => next.PassAsync(ReadKind.Snapshot, Ct));
        Assert.Contains($"who owns the publication {set.Table}", error.Message, StringComparison.Ordinal);
        Assert.Contains($"ALTER PUBLICATION {set.Table} ADD TABLE public.{set.Table};", error.Remedy, StringComparison.Ordinal);
        await server.ExecuteAsync($"ALTER TABLE {set.Table} OWNER TO {server.User}; DROP OWNED BY {user}, {owner}; DROP ROLE {user}, {owner}");

        async Task<PipelineException> RefusedAsync()
        {
            var refused = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Snapshot, Ct));
            Assert.Equal(PostgresErrors.CannotReplicate, refused.Error);
            return refused;
        }
    }

    private static Task<long> SlotsAsync(PostgresServer server, string slot) =>
        server.ScalarAsync<long>($"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'");
}
