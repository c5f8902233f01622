using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Statements that change rows without naming them, or change how the log names them.</summary>
public sealed class TruncateTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_emptied_table_ends_the_run_before_anything_behind_it_until_a_person_has_said_what_to_do()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(50)], FollowWay.Changes, Ct);
        await using var following = new Following(set.Options);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await set.PutAsync([.. Corpus.Plain(60).Skip(50)], Ct);
        await server.ExecuteAsync($"TRUNCATE {set.Table}");
        await set.PutAsync([.. Corpus.Plain(70).Skip(60)], Ct);
        for (var run = 0; run < 2; run++)
        {
            var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Changes, Ct));
            Assert.Equal((PostgresErrors.Truncated, true), (error.Error, error.Error.EndsRun));
            Assert.Contains($"public.{set.Table} was emptied", error.Message, StringComparison.Ordinal);
        }

        var log = new ListLog<PostgresSource>();
        await following.DisposeAsync();
        await using var keeping = new Following(set.Options with { Truncate = TruncateAnswer.Keep }, log: log) { Saved = following.Saved };
        await keeping.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains(log.Lines, l => l.Contains("verify --prune", StringComparison.Ordinal));
        ContentAssert.Same(Corpus.Plain(70).Skip(60), keeping.Held);
    }

    [Fact]
    public async Task A_table_that_is_a_part_of_documents_is_emptied_and_every_document_follows()
    {
        var server = await shared.GetAsync();
        var name = "part_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {name} (id int PRIMARY KEY, title text); CREATE TABLE {name}_tag (id int PRIMARY KEY, root int, tag text)");
        await server.ExecuteAsync($"INSERT INTO {name} SELECT i, 'title ' || i FROM generate_series(1, 500) i; INSERT INTO {name}_tag SELECT i, i % 500 + 1, 'tag ' || i FROM generate_series(1, 1000) i");
        using var folder = new TemporaryFolder();
        var file = folder.File("documents.yaml");
        await File.WriteAllTextAsync(file, $"""
            root: {name}
            document: |
              SELECT r.id, r.title, (SELECT json_agg(t.tag ORDER BY t.id) FROM {name}_tag t WHERE t.root = r.id) AS tags FROM {name} r WHERE r.id = ANY(@keys)
            tables:
              - table: {name}_tag
                roots: SELECT root FROM {name}_tag WHERE id = ANY(@keys)
            """, Ct);
        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = server.User, Documents = file, Follow = FollowWay.Changes, Slot = name, Publication = name,
        };
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            Assert.Contains("tag 499", following.Held["500"], StringComparison.Ordinal);
            await server.ExecuteAsync($"TRUNCATE {name}_tag");
            await following.PassAsync(ReadKind.Changes, Ct);
            Assert.Equal(500, following.Held.Count);
            Assert.All(following.Held.Values, d => Assert.EndsWith("\"tags\":null}", d, StringComparison.Ordinal));
        }

        await server.DropSlotAsync(name);
        await server.ExecuteAsync($"DROP TABLE {name}, {name}_tag");
    }

    [Theory]
    [InlineData("NOTHING")]
    [InlineData("USING INDEX {0}_other")]
    public async Task A_replica_identity_without_the_key_is_refused_at_the_start_and_ends_the_run_later(string identity)
    {
        var server = await shared.GetAsync();
        var name = "identity_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {name} (id int PRIMARY KEY, other int NOT NULL, word text); CREATE UNIQUE INDEX {name}_other ON {name} (other)");
        await server.ExecuteAsync($"INSERT INTO {name} SELECT i, -i, 'word' FROM generate_series(1, 20) i");
        var change = $"ALTER TABLE {name} REPLICA IDENTITY {string.Format(System.Globalization.CultureInfo.InvariantCulture, identity, name)}";
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Table = name, Follow = FollowWay.Changes, Slot = name, Publication = name };
        await server.ExecuteAsync(change);
        await using (var refused = new Following(options))
        {
            var error = await Assert.ThrowsAsync<PipelineException>(() => refused.PassAsync(ReadKind.Snapshot, Ct));
            Assert.Equal(PostgresErrors.CannotReplicate, error.Error);
            Assert.Contains("REPLICA IDENTITY FULL", error.Remedy, StringComparison.Ordinal);
        }

        await server.ExecuteAsync($"ALTER TABLE {name} REPLICA IDENTITY DEFAULT");
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            await server.ExecuteAsync(change);
            await server.ExecuteAsync($"INSERT INTO {name} VALUES (21, -21, 'new')");
            await following.PassAsync(ReadKind.Changes, Ct);
            Assert.Equal(21, following.Held.Count);
            if (identity == "NOTHING")
            {
                // The server itself refuses them: the application would see it.
                await Assert.ThrowsAsync<Npgsql.PostgresException>(() => server.ExecuteAsync($"DELETE FROM {name} WHERE id = 1"));
            }
            else
            {
                await server.ExecuteAsync($"DELETE FROM {name} WHERE id = 1");
                var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Changes, Ct));
                Assert.Equal((PostgresErrors.IdentityChanged, true), (error.Error, error.Error.EndsRun));
            }
        }

        await server.DropSlotAsync(name);
        await server.ExecuteAsync($"DROP TABLE {name}");
    }
}
