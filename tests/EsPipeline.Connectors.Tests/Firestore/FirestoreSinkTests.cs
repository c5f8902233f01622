using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Firestore;

[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreSinkTests(FirestoreEmulator emulator)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_slice_twice_leaves_the_same_state()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        (string, string?)[] slice = [.. Enumerable.Range(0, 700).Select(i => ($"k{i}", (string?)$$"""{"n":{{i}}}""")), ("gone", null)];
        Assert.Equal(701, (await sink.WriteAsync(slice)).Written);
        var once = (await database.AllAsync()).ToDictionary(d => d.Key, d => d.Value.ToJsonString());
        Assert.Equal(701, (await sink.WriteAsync(slice)).Written);
        Assert.Equal(once, (await database.AllAsync()).ToDictionary(d => d.Key, d => d.Value.ToJsonString()));
        Assert.Equal(700, once.Count);
    }

    [Fact]
    public async Task A_document_is_replaced_whole()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        await sink.WriteOneAsync("k", """{"a":1,"b":2}""");
        await sink.WriteOneAsync("k", """{"b":3}""");
        Assert.Equal("""{"b":{"integerValue":"3"}}""", (await database.FieldsAsync("k"))!.ToJsonString());
    }

    [Fact]
    public async Task Operations_on_one_key_end_as_ordered()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        await sink.WriteAsync(("a", "{}"), ("b", "{}"));
        await sink.WriteAsync(("a", null), ("b", """{"v":2}"""));
        Assert.Equal(["b"], (await database.AllAsync()).Keys);
        await sink.WriteAsync(("a", """{"v":3}"""), ("b", null));
        Assert.Equal(["a"], (await database.AllAsync()).Keys);

        // The engine never gives a key twice in one slice; if it did, the last would still win.
        var result = await sink.WriteAsync(("c", "{}"), ("c", null), ("d", null), ("d", """{"v":4}"""), ("e", """{"v":1}"""), ("e", """{"v":2}"""));
        Assert.Equal(6, result.Written);
        Assert.Equal(["a", "d", "e"], (await database.AllAsync()).Keys.Order());
        Assert.Equal("""{"v":{"integerValue":"2"}}""", (await database.FieldsAsync("e"))!.ToJsonString());
    }

    [Fact]
    public async Task In_a_mixed_slice_exactly_the_bad_records_fail()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 22)) + "1" + new string('}', 22);
        (string Key, string? Json)[] slice =
        [
            ("good1", "{}"), ("deep", deep), ("good2", """{"v":1}"""), (new string('x', 1501), "{}"), ("list", "[]"), ("good3", null), ("broken", "{\"a\":"), ("good4", "{}"),
        ];
        var result = await sink.WriteAsync(slice);
        Assert.Equal(4, result.Written);
        Assert.Equal(
            [(1, FirestoreErrors.TooDeep), (3, FirestoreErrors.IdTooLong), (4, FirestoreErrors.NotAnObject), (6, FirestoreErrors.NotAnObject)],
            result.Failures.Select(f => (f.Index, f.Error)));
        Assert.Equal(4, result.Failures.Select(f => f.Reason).Distinct().Count());
        Assert.Equal(["good1", "good2", "good4"], (await database.AllAsync()).Keys.Order());
    }

    [Fact]
    public async Task A_collection_may_lie_below_a_document()
    {
        await using var database = emulator.NewDatabase("users/jeff o'\"neil/täsks");
        await using var sink = await database.OpenSinkAsync();
        Assert.Null((await Health.OfAsync(sink)).Problem);
        await sink.WriteOneAsync("k", """{"a":1}""");
        Assert.Equal(["k"], (await database.AllAsync()).Keys);
    }

    [Fact]
    public async Task Writers_at_once_do_not_get_in_each_others_way()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(w => Task.Run(
            async () => Assert.Empty((await sink.WriteAsync([.. Enumerable.Range(0, 300).Select(i => ($"w{w}-{i}", (string?)$$"""{"w":{{w}}}"""))])).Failures), Ct)));
        var all = await database.AllAsync();
        Assert.Equal(16 * 300, all.Count);
        Assert.All(all, d => Assert.StartsWith($"w{d.Value["w"]!["integerValue"]!.GetValue<string>()}-", d.Key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_written_under_a_key_can_be_asked_for()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        foreach (var key in (string[])["k", "a/b", "..", "__x__", "\"'\n🔑"])
        {
            await sink.WriteOneAsync(key, """{"v":[1,{"a/b":1.0}]}""");
            Assert.Equal("""{"v":[1,{"a/b":1.0}]}""", Encoding.UTF8.GetString((await sink.ReadAsync(Encoding.UTF8.GetBytes(key), Ct))!));
            await sink.WriteAsync((key, null));
            Assert.Null(await sink.ReadAsync(Encoding.UTF8.GetBytes(key), Ct));
        }
    }

    [Fact]
    public async Task A_check_tells_who_it_is_and_leaves_nothing_behind()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        var health = await Health.OfAsync(sink);
        Assert.Null(health.Problem);
        Assert.Equal("Firestore emulator", health.System);
        Assert.Equal(
            new Dictionary<string, string> { ["project"] = database.Project, ["database"] = "(default)", ["collection"] = "things", ["emulator"] = "true" },
            health.Identity);
        Assert.Contains("FIRESTORE_EMULATOR_HOST", Assert.Single(health.Warnings), StringComparison.Ordinal);
        Assert.Empty(await database.AllAsync());
    }

    [Fact]
    public async Task Preparing_again_changes_nothing()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        await sink.WriteOneAsync("k", "{}");
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        Assert.Equal(["k"], (await database.AllAsync()).Keys);
    }

    [Fact]
    public void The_limits_are_those_of_the_service_and_the_options()
    {
        var options = new FirestoreSinkOptions { Project = "p", Collection = "c" };
        using var client = new FirestoreClient(options, TimeProvider.System);
        var limits = new FirestoreSink(options, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, client).Limits;
        Assert.Equal((500, 20), (limits.MaxRecords, limits.StartRecords));
        Assert.Equal((500, 1.5, TimeSpan.FromMinutes(5), 10_000), (limits.Ramp!.Start, limits.Ramp.Factor, limits.Ramp.Period, limits.Ramp.Max));
    }

    [Fact]
    public async Task Random_documents_are_stored_as_the_plainest_encoding_would()
    {
        const int Seed = 42;
        var random = new Random(Seed);
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        (string Key, string? Json)[] documents = [.. Enumerable.Range(0, 300).Select(i => ($"d{i}", (string?)RandomJson.Object(random, 4)))];
        Assert.Empty((await sink.WriteAsync(documents)).Failures);
        await using var plain = emulator.NewDatabase();
        await plain.PutAsync(documents.Select(d => (d.Key, PlainEncoding.Of(d.Json!))));
        var expected = await plain.AllAsync();
        foreach (var (key, fields) in await database.AllAsync())
        {
            Assert.True(
                System.Text.Json.Nodes.JsonNode.DeepEquals(expected[key], fields),
                $"seed {Seed}, {key}: {fields.ToJsonString()} instead of {expected[key].ToJsonString()}");
        }

        Assert.Equal(300, expected.Count);
    }
}
