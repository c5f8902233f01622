using System.Diagnostics;
using System.Text.Json;
using EsPipeline.Connectors.Tests.Postgres;

namespace EsPipeline.Chaos;

/// <summary>The sample of films made of five tables, by the lines of its own README.</summary>
public sealed class MoviesTests
{
    // Two cycles of the line's five seconds, and what a busy machine needs besides.
    private static readonly TimeSpan LongestFollowing = TimeSpan.FromSeconds(2 * 5) + TimeSpan.FromSeconds(50);

    [Theory]
    [InlineData("changes")]
    [InlineData("updated-column")]
    public async Task The_lines_of_the_sample_make_999_films_that_follow_their_people_genres_and_links(string way)
    {
        await using var server = await PostgresServer.FindAsync();
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        await using var database = new MoviesDatabase(server, copy);
        await database.LoadAsync();
        var seesAll = way == "changes";
        string[] arguments = [.. database.Run];
        if (!seesAll) arguments = [.. arguments.Where(a => a is not ("--pg-follow" or "changes"))];
        using var folder = new EspipeFolder { Environment = { ["PG_URL"] = database.Url } };
        using var espipe = folder.Start(arguments);
        await espipe.UntilErrorAsync("The snapshot is complete");
        var wanted = await database.DocumentsAsync();
        Assert.Equal(999, wanted.Count);
        ContentAssert.Same(wanted.Select(d => new Document(d.Key, d.Value)), await copy.ReadAllAsync());
        await HasItsShapeAsync(copy, await copy.ReadAllAsync());

        // A person is renamed, and a film goes; by time it is not seen that it does.
        var before = wanted;
        await database.ChangeAsync();
        wanted = await database.DocumentsAsync();
        var gone = Assert.Single(before.Keys.Except(wanted.Keys));
        await FollowsAsync(espipe, wanted, copy, seesAll ? null : gone);
        Assert.Equal(!seesAll, (await copy.ReadAllAsync()).ContainsKey(gone));
        Assert.True(wanted.Values.Count(d => d.Contains("Zed Zebra", StringComparison.Ordinal)) > 10);

        // Links of genres: one comes, one is of another genre, one of another film, one goes. By time the films that have lost one are not seen.
        before = wanted;
        var (moved, shrunk) = await ChangeLinksAsync(database);
        wanted = await database.DocumentsAsync();
        Assert.All((string[])[moved, shrunk], film => Assert.NotEqual(before[film], wanted[film]));
        var last = wanted.ToDictionary();
        if (!seesAll) foreach (var film in (string[])[moved, shrunk]) last[film] = before[film];
        await FollowsAsync(espipe, last, copy, seesAll ? null : gone);

        espipe.Signal(PosixSignalNumber.Terminate);
        var run = (await espipe.EndAsync()).Ended(143);
        Assert.Equal(!seesAll, run.Error.Contains("by which it is not seen that a row was deleted", StringComparison.Ordinal));

        // What was not seen is found by comparing.
        (await folder.RunAsync(["verify", .. arguments])).Ended(seesAll ? 0 : 3);
        (await folder.RunAsync(database.Mend)).Ended(0);
        ContentAssert.Same(wanted.Select(d => new Document(d.Key, d.Value)), await copy.ReadAllAsync());
        (await folder.RunAsync(["verify", .. arguments])).Ended(0);
    }

    // The films that lost a genre to another film, and to nobody.
    private static async Task<(string Moved, string Shrunk)> ChangeLinksAsync(MoviesDatabase database)
    {
        // Films of one genre, and a film and a genre that have no link to each other.
        var links = await database.ColumnAsync("SELECT min(id::text) FROM content.genre_film_work GROUP BY film_work_id HAVING count(*) = 1 ORDER BY 1 LIMIT 4");
        var films = new List<string>();
        foreach (var link in links) films.Add((await database.ColumnAsync($"SELECT film_work_id::text FROM content.genre_film_work WHERE id = '{link}'"))[0]);
        const string other = "(SELECT id FROM content.genre g WHERE NOT EXISTS (SELECT 1 FROM content.genre_film_work l WHERE l.genre_id = g.id AND l.film_work_id = '{0}') ORDER BY name LIMIT 1)";
        await database.ExecuteAsync($"INSERT INTO content.genre_film_work SELECT gen_random_uuid(), {string.Format(null, other, films[0])}, '{films[0]}'");
        await database.ExecuteAsync($"UPDATE content.genre_film_work SET genre_id = {string.Format(null, other, films[1])}, updated_at = now() WHERE id = '{links[1]}'");
        await database.ExecuteAsync($"""
            UPDATE content.genre_film_work l SET updated_at = now(), film_work_id =
                (SELECT id FROM content.film_work f WHERE NOT EXISTS (SELECT 1 FROM content.genre_film_work o WHERE o.film_work_id = f.id AND o.genre_id = l.genre_id)
                 AND f.id <> ALL (ARRAY['{string.Join("','", films)}']::uuid[]) ORDER BY id DESC LIMIT 1)
            WHERE id = '{links[2]}'
            """);
        await database.ExecuteAsync($"DELETE FROM content.genre_film_work WHERE id = '{links[3]}'");
        return (films[2], films[3]);
    }

    private static async Task HasItsShapeAsync(ElasticsearchCopy copy, IReadOnlyDictionary<string, string> films)
    {
        using var mapping = JsonDocument.Parse(await copy.GetAsync("_mapping"));
        var properties = mapping.RootElement.GetProperty(copy.Name).GetProperty("mappings").GetProperty("properties");
        foreach (var people in (string[])["actors", "writers"]) Assert.Equal("nested", properties.GetProperty(people).GetProperty("type").GetString());
        Assert.Equal("keyword", properties.GetProperty("genre").GetProperty("type").GetString());
        foreach (var (id, json) in films)
        {
            using var film = JsonDocument.Parse(json);
            string[] names = ["id", "imdb_rating", "genre", "title", "description", "director", "actors_names", "writers_names", "actors", "writers"];
            Assert.Equal(names, film.RootElement.EnumerateObject().Select(p => p.Name));
            Assert.Equal(id, film.RootElement.GetProperty("id").GetString());
            foreach (var people in (string[])["actors", "writers"])
            {
                var persons = film.RootElement.GetProperty(people).EnumerateArray().ToArray();
                Assert.All(persons, p => Assert.Equal(["id", "name"], p.EnumerateObject().Select(f => f.Name)));
                Assert.Equal(persons.Select(p => p.GetProperty("name").GetString()), film.RootElement.GetProperty(people + "_names").EnumerateArray().Select(n => n.GetString()));
            }
        }

        Assert.All((string[])["genre", "director", "actors", "writers"], field => Assert.Contains(films.Values, f => !f.Contains($"\"{field}\":[]", StringComparison.Ordinal)));
    }

    // Whatever is left of a film that is gone.
    private static async Task FollowsAsync(EspipeProcess espipe, Dictionary<string, string> wanted, ElasticsearchCopy copy, string? gone)
    {
        var started = Stopwatch.GetTimestamp();
        await SameEnds.UntilAsync(
            espipe, [.. wanted.Select(d => new Document(d.Key, d.Value))], async () => (await copy.ReadAllAsync()).Where(d => d.Key != gone).ToDictionary());
        var took = Stopwatch.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper!.WriteLine($"followed after {took.TotalSeconds:0.0} s");
        Assert.True(took < LongestFollowing, $"It took {took.TotalSeconds:0.0} s for the documents to follow.");
    }
}
