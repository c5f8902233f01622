using System.Diagnostics;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Npgsql;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>The sample's documents, made out of five tables, follow changes of any of them.</summary>
public sealed class DocumentsTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static string Sample
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!Directory.Exists(Path.Combine(folder.FullName, "samples"))) folder = folder.Parent!;
            return Path.Combine(folder.FullName, "samples", "movies");
        }
    }

    [Theory]
    [InlineData(FollowWay.UpdatedColumn)]
    [InlineData(FollowWay.Changes)]
    public async Task Films_follow_their_people_genres_and_links(FollowWay way)
    {
        var server = await shared.GetAsync();
        var name = "movies_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE DATABASE {name}");
        await LoadAsync(server, name);
        await using var database = NpgsqlDataSource.Create($"Host={server.Host};Port={server.Port};Username={server.User};Database={name};Pooling=false");
        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = server.User, Database = name, Documents = Path.Combine(Sample, "documents.yaml"),
            Follow = way, Slot = name, Publication = name,
        };
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            Assert.Equal(999, following.Held.Count);
            await SameAsync();
            Assert.Equal(DocumentsFile.Read(options.Documents).Fingerprint(), await following.IdentityAsync("documents"));

            await ExecuteAsync("UPDATE content.person SET full_name = 'Somebody Else', updated_at = clock_timestamp() WHERE full_name = 'George Lucas'");
            await following.PassAsync(ReadKind.Changes, Ct);
            Assert.True(following.Held.Values.Count(d => d.Contains("Somebody Else", StringComparison.Ordinal)) > 40);
            await SameAsync();

            await ExecuteAsync("UPDATE content.genre SET name = 'Renamed', updated_at = clock_timestamp() WHERE name = 'Drama'");
            await ExecuteAsync("INSERT INTO content.genre_film_work SELECT gen_random_uuid(), (SELECT id FROM content.genre WHERE name = 'News'), id FROM content.film_work WHERE id NOT IN (SELECT film_work_id FROM content.genre_film_work g JOIN content.genre n ON n.id = g.genre_id WHERE n.name = 'News') LIMIT 5");
            await following.PassAsync(ReadKind.Changes, Ct);
            await SameAsync();

            if (way == FollowWay.Changes)
            {
                await ExecuteAsync("DELETE FROM content.person_film_work WHERE id IN (SELECT id FROM content.person_film_work ORDER BY id LIMIT 20)");
                await ExecuteAsync("WITH f AS (SELECT id FROM content.film_work ORDER BY id LIMIT 3), a AS (DELETE FROM content.person_film_work WHERE film_work_id IN (SELECT id FROM f)) DELETE FROM content.genre_film_work WHERE film_work_id IN (SELECT id FROM f)");
                await ExecuteAsync("DELETE FROM content.film_work WHERE id IN (SELECT id FROM content.film_work ORDER BY id LIMIT 3)");
                await following.PassAsync(ReadKind.Changes, Ct);
                Assert.Equal(996, following.Held.Count);
                await SameAsync();
            }

            async Task SameAsync()
            {
                await using var fresh = new Following(options with { Follow = FollowWay.UpdatedColumn });
                await fresh.PassAsync(ReadKind.Snapshot, Ct);
                ContentAssert.Same(fresh.Held.Select(h => new Document(h.Key, h.Value)), following.Held);
            }
        }

        if (way == FollowWay.Changes) await server.LoseSlotAsync(name);
        NpgsqlConnection.ClearAllPools();
        await server.ExecuteAsync($"DROP DATABASE {name} WITH (FORCE)");

        async Task ExecuteAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Ct);
        }
    }

    [Theory]
    [InlineData(FollowWay.UpdatedColumn)]
    [InlineData(FollowWay.Changes)]
    public async Task A_person_of_every_film_costs_no_more_queries_than_one_of_a_single_film(FollowWay way)
    {
        await using var server = await PostgresServer.StartAsync("shared_preload_libraries='pg_stat_statements'");
        await LoadAsync(server, "postgres");
        await server.ExecuteAsync("CREATE EXTENSION pg_stat_statements; CREATE ROLE follower LOGIN SUPERUSER");
        foreach (var (person, films) in (((string, int)[])[("Of One", 1), ("Of All", 999)]))
        {
            await server.ExecuteAsync($"INSERT INTO content.person (id, full_name) VALUES (gen_random_uuid(), '{person}')");
            await server.ExecuteAsync($"INSERT INTO content.person_film_work SELECT gen_random_uuid(), f.id, p.id, 'actor' FROM content.person p, (SELECT id FROM content.film_work LIMIT {films}) f WHERE p.full_name = '{person}'");
        }

        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = "follower", Documents = Path.Combine(Sample, "documents.yaml"), Follow = way, Slot = "movies", Publication = "movies",
        };
        await using var following = new Following(options, SourceTuning.Default with { HorizonMargin = TimeSpan.Zero });
        await server.IsAtRestAsync();
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        var few = await QueriesAsync("Of One", 1);
        var many = await QueriesAsync("Of All", 999);
        Assert.True(many <= few + 5, $"{many} queries for a person of 999 films, {few} for one of a single film.");

        async Task<long> QueriesAsync(string person, int films)
        {
            await server.ExecuteAsync($"UPDATE content.person SET full_name = full_name || ', renamed', updated_at = clock_timestamp() WHERE full_name = '{person}'");
            await server.IsAtRestAsync();
            await server.ExecuteAsync("SELECT pg_stat_statements_reset()");
            Assert.Equal(films, await following.PassAsync(ReadKind.Changes, Ct));
            Assert.Equal(films, following.Held.Values.Count(d => d.Contains(person + ", renamed", StringComparison.Ordinal)));
            return (long)await server.ScalarAsync<decimal>("SELECT sum(calls) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = 'follower'");
        }
    }

    [Fact]
    public async Task Of_several_rows_with_one_key_each_but_the_first_is_set_aside()
    {
        await using var place = await TwoTables.MakeAsync(await shared.GetAsync(), "SELECT t.id, u.n FROM {0} t JOIN {0}_u u ON u.id = t.id WHERE t.id = ANY(@keys) ORDER BY u.n");
        await using var source = place.Open();
        var reading = await SourceReader.ReadAsync(source, new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct);
        ContentAssert.Same([new Document("1", """{"id":1,"n":1}"""), new Document("2", """{"id":2,"n":2}""")], reading.Apply());
        Assert.Equal([PostgresErrors.KeyTwice, PostgresErrors.KeyTwice], reading.Batches.SelectMany(b => b.Malformed).Select(m => m.Found.Error));
    }

    [Fact]
    public async Task Two_columns_of_one_name_are_refused()
    {
        await using var place = await TwoTables.MakeAsync(await shared.GetAsync(), "SELECT t.id, u.n, u.n * 2 AS n FROM {0} t JOIN {0}_u u ON u.id = t.id WHERE t.id = ANY(@keys)");
        await using var source = place.Open();
        var problem = (await Health.OfAsync(source)).Problem;
        Assert.Equal(PostgresErrors.BadDocuments, problem?.Error);
        Assert.Contains("two columns named 'n'", problem!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_document_that_is_nested_too_deep_is_set_aside()
    {
        await using var place = await TwoTables.MakeAsync(await shared.GetAsync(), "SELECT t.id, repeat('[', 500 * t.id)::text || repeat(']', 500 * t.id) AS n FROM {0} t WHERE t.id = ANY(@keys)", "n::json");
        await using var source = place.Open();
        var reading = await SourceReader.ReadAsync(source, new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct);
        Assert.Equal("1", Assert.Single(reading.Apply()).Key);
        Assert.Equal(PostgresErrors.TooDeep, Assert.Single(reading.Batches.SelectMany(b => b.Malformed)).Found.Error);
    }

    [Theory]
    [InlineData("root: [", "line 1")]
    [InlineData("document: SELECT @keys", "root")]
    [InlineData("root: t\ndocument: SELECT 1", "@keys")]
    [InlineData("root: t\nnonsense: 1", "nonsense")]
    public void A_file_that_is_wrong_is_refused_with_what_is_wrong(string yaml, string named)
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, yaml);
        var refused = Assert.Throws<PipelineException>(() => DocumentsFile.Read(path));
        Assert.Equal(PostgresErrors.BadDocuments, refused.Error);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        File.Delete(path);
    }

    [Fact]
    public void Other_documents_are_another_job_and_another_comment_is_not()
    {
        const string Yaml = "root: t\ndocument: SELECT id FROM t WHERE id = ANY(@keys)\ntables: [{table: u, roots: SELECT t FROM u WHERE id = ANY(@keys)}]";
        Assert.Equal(FingerprintOf(Yaml), FingerprintOf("# About them.\n" + Yaml));
        Assert.NotEqual(FingerprintOf(Yaml), FingerprintOf(Yaml.Replace("SELECT id", "SELECT id, name", StringComparison.Ordinal)));
        Assert.NotEqual(FingerprintOf(Yaml), FingerprintOf(Yaml.Replace("SELECT t", "SELECT v", StringComparison.Ordinal)));

        static string FingerprintOf(string yaml)
        {
            var path = Path.GetTempFileName();
            File.WriteAllText(path, yaml);
            var fingerprint = DocumentsFile.Read(path).Fingerprint();
            File.Delete(path);
            return fingerprint;
        }
    }

    // A root of two rows, and another table with two rows for each of them.
    private sealed class TwoTables(PostgresServer server) : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly string _table = "two_" + Guid.NewGuid().ToString("N");

        public static async Task<TwoTables> MakeAsync(PostgresServer server, string document, string? column = null)
        {
            var place = new TwoTables(server);
            var table = place._table;
            if (column is not null) document = $"SELECT id, {column} AS n FROM ({document}) q";
            await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY); CREATE TABLE {table}_u (id int, n int)");
            await server.ExecuteAsync($"INSERT INTO {table} VALUES (1), (2); INSERT INTO {table}_u VALUES (1, 1), (1, 3), (2, 2), (2, 4)");
            await File.WriteAllTextAsync(place._folder.File("d.yaml"), $"root: {table}\ndocument: {document.Replace("{0}", table, StringComparison.Ordinal)}\n", Ct);
            return place;
        }

        public PostgresSource Open() => new(
            new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Documents = _folder.File("d.yaml") },
            new Core.Configuration.RunOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<PostgresSource>.Instance);

        public async ValueTask DisposeAsync()
        {
            await server.ExecuteAsync($"DROP TABLE {_table}, {_table}_u");
            _folder.Dispose();
        }
    }

    private static async Task LoadAsync(PostgresServer server, string database)
    {
        var start = new ProcessStartInfo("psql") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-v", "ON_ERROR_STOP=1", "-q", "-h", server.Host, "-p", $"{server.Port}", "-U", server.User, "-d", database, "-f", "schema.sql", "-f", "data.sql"])
        {
            start.ArgumentList.Add(argument);
        }

        start.WorkingDirectory = Sample;
        using var psql = Process.Start(start)!;
        var said = psql.StandardOutput.ReadToEndAsync(Ct);
        var errors = await psql.StandardError.ReadToEndAsync(Ct);
        await said;
        await psql.WaitForExitAsync(Ct);
        Assert.True(psql.ExitCode == 0, errors);
    }
}
