using System.Text.Json;
using System.Text.Json.Nodes;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Firestore;

[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreSourceTests(FirestoreEmulator emulator)
{
    // One line for each format that a release has saved; never changed or removed.
    private static readonly string[] RecordedPositions =
    [
        "fs1:0::",
        "fs1:1704153599123456::",
        "fs1:1704153599123456:=bQ:",
        "fs1:1704153599123456:>azA1:azIw",
        "fs1:0:>X19pZDdfXw:",
        "fs1:1704153599123456:!:azIw",
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_empty_collection_ends_cleanly()
    {
        await using var database = emulator.NewDatabase();
        await using var source = database.OpenSource();
        var reading = await SourceReading.ReadAsync(source, parallelism: 7);
        Assert.Empty(reading.Documents);
        Assert.Contains("holds no documents", string.Join(' ', (await Health.OfAsync(source)).Warnings), StringComparison.Ordinal);

        var again = await SourceReading.ReadAsync(source, saved: reading.Saved);
        Assert.Empty(again.Batches);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 25)]
    [InlineData(7, 50)]
    [InlineData(7, 1000)]
    public async Task The_union_of_all_partitions_is_exactly_the_collection(int partitions, int pageSize)
    {
        await using var database = await emulator.FilledAsync(500);
        await using var divider = Dividing(database, partitions);
        await using var source = database.OpenSource(pageSize, divider.Host);
        var reading = await SourceReading.ReadAsync(source, partitions);
        Assert.Equal(partitions, reading.Partitions.Count);
        Assert.All(reading.Partitions, p => Assert.True(p.UniqueKeys));
        Assert.Equal(FirestoreEmulator.Numbered(500), reading.Documents);
        Assert.All(reading.Batches.SelectMany(b => b.Records), r => Assert.True(r.Version > 1_700_000_000_000_000));
    }

    [Fact]
    public async Task Resuming_at_every_boundary_gives_the_same_union()
    {
        await using var database = await emulator.FilledAsync(120);
        await using var divider = Dividing(database, 3);
        await using var first = database.OpenSource(10, divider.Host);
        var whole = await SourceReading.ReadAsync(first, 3);
        var saved = whole.Partitions.ToDictionary(p => p.Id, p => p.Start);
        var before = new Dictionary<string, string>();
        foreach (var (partition, records, end) in whole.Batches.Prepend((whole.Partitions[0].Id, [], whole.Partitions[0].Start)))
        {
            saved[partition] = end;
            foreach (var record in records) before.Add(record.Key, record.Json);
            await using var source = database.OpenSource(10, divider.Host);
            var rest = await SourceReading.ReadAsync(source, 3, saved);
            Assert.All(rest.Partitions, p => Assert.Null(p.StartsOverBecause));
            Assert.Equal(FirestoreEmulator.Numbered(120), before.Concat(rest.Documents).ToDictionary());
        }

        Assert.Equal(120, before.Count);
    }

    [Fact]
    public async Task Recorded_positions_still_read()
    {
        await using var database = await emulator.FilledAsync(40);
        int[] left = [40, 40, 0, 14, 40, 0];
        foreach (var (text, count) in RecordedPositions.Zip(left))
        {
            // Their time is long gone: reading goes on by name alone.
            await using var source = database.OpenSource(10);
            var id = new PartitionId("things#0");
            var reading = await SourceReading.ReadAsync(source, saved: new Dictionary<PartitionId, Position> { [id] = new(text) });
            Assert.Equal(count, reading.Documents.Count);
            Assert.Equal(text, FirestorePosition.Parse(new Position(text)).ToPosition().Value);
        }

        Assert.Throws<PipelineException>(() => FirestorePosition.Parse(new Position("fs2:0::")));
        Assert.Throws<PipelineException>(() => FirestorePosition.Parse(new Position("fs1:0:>*:")));
    }

    [Fact]
    public async Task Names_of_every_kind_keep_their_order_and_come_back_as_keys()
    {
        await using var database = emulator.NewDatabase();
        string[] ids =
        [
            "__id-3__", "__id5__", "__id10__", "%2Fslash", "%5F_x__", "%2E", "Z", "a", "a b", "a\nb", "a\"b", "é", "🔑", "%00", "50%25", new('k', 1500),
            string.Concat(Enumerable.Repeat("ü", 750)),
        ];
        string[] keys =
        [
            "__id-3__", "__id5__", "__id10__", "/slash", "__x__", ".", "Z", "a", "a b", "a\nb", "a\"b", "é", "🔑", "%00", "50%25", new('k', 1500),
            string.Concat(Enumerable.Repeat("ü", 750)),
        ];
        await database.PutAsync(ids.Select(id => (id, "{}")));
        await using var source = database.OpenSource(1);
        var reading = await SourceReading.ReadAsync(source);
        Assert.Equal(keys.Order(StringComparer.Ordinal), reading.Documents.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["__id-3__", "__id5__", "__id10__"], reading.Batches.SelectMany(b => b.Records).Take(3).Select(r => r.Key));
    }

    [Theory]
    [InlineData("""{"stringValue":"é\n\"\\ 😀"}""", "\"é\\n\\\"\\\\ 😀\"")]
    [InlineData("""{"integerValue":"9007199254740993"}""", "9007199254740993")]
    [InlineData("""{"integerValue":"-9223372036854775808"}""", "-9223372036854775808")]
    [InlineData("""{"doubleValue":1}""", "1.0")]
    [InlineData("""{"doubleValue":0.1}""", "0.1")]
    [InlineData("""{"doubleValue":1e300}""", "1.0E300")]
    [InlineData("""{"doubleValue":"NaN"}""", "\"NaN\"")]
    [InlineData("""{"doubleValue":"-Infinity"}""", "\"-Infinity\"")]
    [InlineData("""{"booleanValue":true}""", "true")]
    [InlineData("""{"nullValue":null}""", "null")]
    [InlineData("""{"timestampValue":"2024-02-29T10:11:12.123456Z"}""", "\"2024-02-29T10:11:12.123456Z\"")]
    [InlineData("""{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""", """{"lat":41.12,"lon":-71.34}""")]
    [InlineData("""{"geoPointValue":{"latitude":0,"longitude":0}}""", """{"lat":0,"lon":0}""")]
    [InlineData("""{"bytesValue":"+/8="}""", "\"+/8=\"")]
    [InlineData("""{"mapValue":{}}""", "{}")]
    [InlineData("""{"arrayValue":{}}""", "[]")]
    [InlineData("""{"mapValue":{"fields":{"a":{"mapValue":{"fields":{"value":{"arrayValue":{"values":[{"integerValue":"1"},{"mapValue":{}}]}}}}}}}}""", """{"a":{"value":[1,{}]}}""")]
    [InlineData("""{"mapValue":{"fields":{"%5F_x__":{"nullValue":null},"%00":{"nullValue":null},"a%2F":{"nullValue":null},"é\n":{"nullValue":null}}}}""", """{"__x__":null,"":null,"a%2F":null,"é\n":null}""")]
    [InlineData("""{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"},"value":{"arrayValue":{"values":[{"doubleValue":1},{"doubleValue":2.5}]}}}}}""", "[1.0,2.5]")]
    public async Task Every_type_has_its_JSON(string stored, string json)
    {
        await using var database = emulator.NewDatabase();
        await database.PutAsync([("doc", $$"""{"v":{{stored}} }""")]);
        await using var source = database.OpenSource();
        var read = JsonNode.Parse((await SourceReading.ReadAsync(source)).Documents["doc"])!["v"];
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), read), $"{read?.ToJsonString()} instead of {json}");
        if (read is JsonValue value && value.TryGetValue(out JsonElement number) && number.ValueKind == JsonValueKind.Number) Assert.Equal(json, number.GetRawText());
    }

    [Fact]
    public async Task References_are_their_paths()
    {
        await using var database = emulator.NewDatabase();
        var other = "projects/other/databases/(default)/documents/a/b";
        await database.PutAsync([("doc", $$"""{"here":{"referenceValue":"{{database.Documents}}/users/a \"b\""},"there":{"referenceValue":"{{other}}"} }""".Replace("\"b\"", "\\\"b\\\""))]);
        await using var source = database.OpenSource();
        Assert.Equal(
            $$"""{"here":"users/a \"b\"","there":"{{other}}"}""", (await SourceReading.ReadAsync(source)).Documents["doc"]);
    }

    [Fact]
    public async Task What_plain_JSON_has_no_kind_for_is_counted_and_told_once()
    {
        await using var database = emulator.NewDatabase();
        var fields = $$"""
            {"t":{"timestampValue":"2024-01-01T00:00:00Z"},"l":{"arrayValue":{"values":[{"timestampValue":"2024-01-01T00:00:00Z"},{"bytesValue":"AAEC"},{"doubleValue":"NaN"}]} },
            "g":{"geoPointValue":{"latitude":1,"longitude":2} },"r":{"referenceValue":"{{database.Documents}}/a/b"} ,"d":{"doubleValue":1.5},"s":{"stringValue":"x"},
            "v":{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"},"value":{"arrayValue":{"values":[{"doubleValue":1}]} } } } } }
            """;
        await database.PutAsync([("a", fields), ("b", fields)]);
        var log = new LogLines();
        await using (var source = database.OpenSource(1, log: log)) await SourceReading.ReadAsync(source);
        var line = Assert.Single(log.Lines);
        Assert.Contains(
            "4 timestamps as text, 2 bytes as base64 text, 2 points as objects, 2 references as text, 2 vectors as arrays, 2 NaN and infinities as text (--firestore-values typed", line, StringComparison.Ordinal);

        database.Values = FirestoreValues.Typed;
        await using (var source = database.OpenSource(1, log: log)) await SourceReading.ReadAsync(source);
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task Collections_of_the_documents_own_are_told_since_they_are_not_copied()
    {
        await using var database = await emulator.FilledAsync(3);
        await using var source = database.OpenSource();
        Assert.DoesNotContain((await Health.OfAsync(source)).Warnings, w => w.Contains("collections of their own", StringComparison.Ordinal));
        await using var notes = new FirestoreDatabase(database.Host, database.Project, "things/k00/notes");
        await using var tags = new FirestoreDatabase(database.Host, database.Project, "things/k00/tags");
        await notes.PutAsync([("x", "{}")]);
        Assert.EndsWith("of their own (notes), which are not copied: copy each with --firestore-collection things/k00/notes", await WarningAsync(), StringComparison.Ordinal);
        await tags.PutAsync([("x", "{}")]);
        Assert.EndsWith("of their own (notes, tags), which are not copied: copy each with --firestore-collection things/k00/notes", await WarningAsync(), StringComparison.Ordinal);

        async Task<string> WarningAsync() => Assert.Single((await Health.OfAsync(source)).Warnings, w => w.Contains("collections of their own", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_the_sink_wrote_reads_back_equal()
    {
        const int Seed = 43;
        var random = new Random(Seed);
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        (string Key, string? Json)[] documents = [.. Enumerable.Range(0, 300).Select(i => ($"d{i}", (string?)RandomJson.Object(random, 4)))];
        await sink.WriteAsync(documents);
        await using var source = database.OpenSource();
        var read = (await SourceReading.ReadAsync(source)).Documents;
        foreach (var (key, json) in documents)
        {
            Assert.True(SameJson(JsonNode.Parse(json!), JsonNode.Parse(read[key])), $"seed {Seed}, {key}: {read[key]} instead of {json}");
        }

        // And byte for byte the same when it is read again.
        Assert.Equal(read, (await SourceReading.ReadAsync(source)).Documents);
    }

    [Fact]
    public async Task What_changes_while_it_is_read_is_not_in_the_snapshot()
    {
        await using var database = await emulator.FilledAsync(100);
        await using var source = database.OpenSource(10);
        var reading = await SourceReading.ReadAsync(source, onBatch: async batch =>
        {
            if (batch != 3) return;
            await database.PutAsync(Enumerable.Range(0, 200).Select(i => ($"k{i:00}", """{"n":{"integerValue":"-1"}}""")));
            await database.DeleteAsync(["k90", "k91"]);
        });
        Assert.Equal(FirestoreEmulator.Numbered(100), reading.Documents);
    }

    [Fact]
    public async Task Changes_are_everything_again_resumable_in_the_middle()
    {
        await using var database = await emulator.FilledAsync(60);
        await using var source = database.OpenSource(10);
        var snapshot = await SourceReading.ReadAsync(source);
        await database.PutAsync([("new", """{"n":{"integerValue":"1"}}""")]);

        // Done, and asked for the snapshot once more: nothing.
        Assert.Empty((await SourceReading.ReadAsync(source, saved: snapshot.Saved)).Batches);

        var changes = await SourceReading.ReadAsync(source, saved: snapshot.Saved, kind: ReadKind.Changes);
        Assert.NotNull(Assert.Single(changes.Partitions).StartsOverBecause);
        Assert.Equal(61, changes.Documents.Count);

        var halfWay = new Dictionary<PartitionId, Position> { [changes.Partitions[0].Id] = changes.Batches[2].End };
        var rest = await SourceReading.ReadAsync(source, saved: halfWay, kind: ReadKind.Changes);
        Assert.Null(Assert.Single(rest.Partitions).StartsOverBecause);
        Assert.Equal(31, rest.Documents.Count);
    }

    [Fact]
    public async Task A_limit_asks_for_no_more_than_it_needs()
    {
        await using var database = await emulator.FilledAsync(100);
        await using var server = new FakeServer(request => FakeServer.PassOnAsync(database.Host, request));
        await using var source = database.OpenSource(50, server.Host);
        await SourceReading.ReadAsync(source, parallelism: 4, limit: 7);

        // The first asks what time it is; those after the second the engine would not have asked for.
        Assert.Contains("\"limit\":7,", server.Requests[1].Body.Replace("}", ",", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain(server.Requests, r => r.Path.EndsWith(":partitionQuery", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_check_tells_who_it_is_and_what_is_wrong()
    {
        await using var database = await emulator.FilledAsync(1);
        await using var source = database.OpenSource();
        var health = await Health.OfAsync(source);
        Assert.Null(health.Problem);
        Assert.Equal("things", health.Identity["collection"]);
        Assert.Single(health.Warnings);

        await using var server = new FakeServer(_ => new FakeAnswer(403, FirestoreFaultTests.Error("PERMISSION_DENIED", "no")));
        await using var refused = database.OpenSource(host: server.Host);
        Assert.Equal(FirestoreErrors.PermissionDenied, (await Health.OfAsync(refused)).Problem?.Error);
    }

    // Numbers by their value: the server writes 1e300 as 1.0E300.
    private static bool SameJson(JsonNode? a, JsonNode? b) => (a, b) switch
    {
        (JsonObject x, JsonObject y) => x.Count == y.Count && x.All(p => y.ContainsKey(p.Key) && SameJson(p.Value, y[p.Key])),
        (JsonArray x, JsonArray y) => x.Count == y.Count && x.Zip(y).All(p => SameJson(p.First, p.Second)),
        (JsonValue x, JsonValue y) when x.GetValueKind() == JsonValueKind.Number && y.GetValueKind() == JsonValueKind.Number =>
            IsWhole(x) == IsWhole(y) && (IsWhole(x) ? x.ToJsonString() == y.ToJsonString() : x.GetValue<double>().Equals(y.GetValue<double>())),
        _ => JsonNode.DeepEquals(a, b),
    };

    private static bool IsWhole(JsonValue number) => number.ToJsonString().AsSpan().IndexOfAny('.', 'e', 'E') < 0;

    // A server that divides as the service does, which the emulator can't; everything else it passes on.
    private static FakeServer Dividing(FirestoreDatabase database, int partitions) => new(async request =>
    {
        if (!request.Path.EndsWith(":partitionQuery", StringComparison.Ordinal)) return await FakeServer.PassOnAsync(database.Host, request);
        string[] others = [$"{database.Documents}/a/b/things/k20", $"{database.Documents}/things/k20/things/z"];
        var cursors = Enumerable.Range(1, partitions - 1).Select(i => $"{database.Documents}/things/k{i * 100 / partitions:00}").Reverse().Concat(others);
        return new FakeAnswer(200, $$"""{"partitions":[{{string.Join(',', cursors.Select(c => $"{{\"values\":[{{\"referenceValue\":\"{c}\"}}]}}"))}}]}""");
    });
}
