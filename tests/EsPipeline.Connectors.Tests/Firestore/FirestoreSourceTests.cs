using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
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
        Assert.Contains("holds no documents", string.Join(' ', (await source.CheckAsync(Ct)).Warnings), StringComparison.Ordinal);

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
        await using var database = await FilledAsync(500);
        await using var divider = Dividing(database, partitions);
        await using var source = database.OpenSource(pageSize, divider.Host);
        var reading = await SourceReading.ReadAsync(source, partitions);
        Assert.Equal(partitions, reading.Partitions.Count);
        Assert.All(reading.Partitions, p => Assert.True(p.UniqueKeys));
        Assert.Equal(Expected(500), reading.Documents);
        Assert.All(reading.Batches.SelectMany(b => b.Records), r => Assert.True(r.Version > 1_700_000_000_000_000));
    }

    [Fact]
    public async Task Resuming_at_every_boundary_gives_the_same_union()
    {
        await using var database = await FilledAsync(120);
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
            Assert.Equal(Expected(120), before.Concat(rest.Documents).ToDictionary());
        }

        Assert.Equal(120, before.Count);
    }

    [Fact]
    public async Task Recorded_positions_still_read()
    {
        await using var database = await FilledAsync(40);
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
        await using var database = await FilledAsync(100);
        await using var source = database.OpenSource(10);
        var reading = await SourceReading.ReadAsync(source, onBatch: async batch =>
        {
            if (batch != 3) return;
            await database.PutAsync(Enumerable.Range(0, 200).Select(i => ($"k{i:00}", """{"n":{"integerValue":"-1"}}""")));
            await database.DeleteAsync(["k90", "k91"]);
        });
        Assert.Equal(Expected(100), reading.Documents);
    }

    [Fact]
    public async Task A_time_that_Firestore_has_forgotten_is_given_up_once_and_told()
    {
        await using var database = await FilledAsync(100);
        var log = new LogLines();
        await using var source = database.OpenSource(10, log: log);
        var past = FirestorePosition.Of(new FirestoreTime(new DateTime(2020, 1, 1, 0, 0, 1, DateTimeKind.Utc).Ticks, IsCut: false), null, null).After("k49");
        var reading = await SourceReading.ReadAsync(source, saved: new Dictionary<PartitionId, Position> { [new PartitionId("things#0")] = past.ToPosition() });
        Assert.Equal(Expected(100).Where(d => string.CompareOrdinal(d.Key, "k49") > 0).ToDictionary(), reading.Documents);
        Assert.Contains("has forgotten the time", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.All(reading.Batches, b => Assert.StartsWith("fs1:0:", b.End.Value, StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_point_in_time_recovery_the_next_whole_minute_stands_in_for_it()
    {
        await using var database = await FilledAsync(10);
        var times = new List<string?>();
        await using var server = new FakeServer(async request =>
        {
            // As the service with recovery: of the time before the last hour only whole minutes are known.
            var asked = JsonNode.Parse(request.Body)!["readTime"]?.GetValue<string>();
            times.Add(asked);
            return asked is null || asked.EndsWith(":00Z", StringComparison.Ordinal)
                ? await FakeServer.PassOnAsync(database.Host, request with { Body = request.Body.Replace(",\"readTime\":\"" + asked + "\"", "", StringComparison.Ordinal) })
                : new FakeAnswer(400, FirestoreFaultTests.Error("FAILED_PRECONDITION", "read_time is too old"));
        });
        var log = new LogLines();
        await using var source = database.OpenSource(5, server.Host, log);
        var start = FirestorePosition.Of(new FirestoreTime(new DateTime(2024, 1, 1, 23, 59, 59, DateTimeKind.Utc).Ticks, IsCut: false), null, null).ToPosition();
        var reading = await SourceReading.ReadAsync(source, saved: new Dictionary<PartitionId, Position> { [new PartitionId("things#0")] = start });
        Assert.Equal(10, reading.Documents.Count);
        Assert.Equal(["2024-01-01T23:59:59Z", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z"], times);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task Changes_are_everything_again_resumable_in_the_middle()
    {
        await using var database = await FilledAsync(60);
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
    public async Task An_answer_that_breaks_off_is_read_on_without_gap_or_repeat()
    {
        await using var database = await FilledAsync(200);
        var requests = 0;
        await using var server = new FakeServer(async request =>
        {
            var answer = await FakeServer.PassOnAsync(database.Host, request);
            return (Interlocked.Increment(ref requests) % 4) switch
            {
                1 => answer,
                2 => answer with { Body = answer.Body[..(answer.Body.Length * 2 / 3)], CutInBody = true },
                3 => answer with { Body = answer.Body[..(answer.Body.Length / 2)] },
                _ => answer with { Body = answer.Body.TrimEnd()[..^1] + "," + FirestoreFaultTests.Error("UNAVAILABLE", "moved") + "]" },
            };
        });
        await using var source = database.OpenSource(20, server.Host);
        var partition = Assert.Single(await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct));
        var (position, documents, failures) = (partition.Start, new List<string>(), new HashSet<string>());
        while (!FirestorePosition.Parse(position).IsDone)
        {
            try
            {
                await foreach (var batch in source.ReadAsync(partition, position, Ct))
                {
                    foreach (ref readonly var record in batch.Records.Span) documents.Add(System.Text.Encoding.UTF8.GetString(record.Key.Span));
                    position = batch.End;
                    batch.Dispose();
                }
            }
            catch (PipelineException e)
            {
                Assert.Equal(FailureKind.Transient, e.Kind);
                failures.Add(e.Code);
            }
        }

        Assert.Equal(Expected(200).Keys.Order(), documents.Order());
        Assert.Equal(["firestore.bad_answer", "firestore.connection", "firestore.unavailable"], failures.Order());
    }

    [Fact]
    public async Task A_value_of_an_unknown_kind_is_set_aside_and_the_rest_is_read()
    {
        await using var database = await FilledAsync(5);
        await using var server = new FakeServer(async request =>
        {
            var answer = await FakeServer.PassOnAsync(database.Host, request);
            return answer with { Body = answer.Body.Replace("\"integerValue\": \"3\"", "\"quaternionValue\": [1,2,3,4]", StringComparison.Ordinal) };
        });
        await using var source = database.OpenSource(2, server.Host);
        var reading = await SourceReading.ReadAsync(source);
        var malformed = Assert.Single(reading.Malformed);
        Assert.Equal(("k03", FirestoreErrors.Unreadable), (System.Text.Encoding.UTF8.GetString(malformed.Key.Span), malformed.Error));
        Assert.Contains("quaternionValue", malformed.Reason, StringComparison.Ordinal);
        Assert.Equal(4, reading.Documents.Count);
    }

    [Fact]
    public async Task Cancelled_while_it_waits_it_returns_at_once()
    {
        await using var database = await FilledAsync(10);
        await using var server = new FakeServer(async request => request.Body.Contains("readTime", StringComparison.Ordinal)
            ? await new TaskCompletionSource<FakeAnswer>().Task
            : await FakeServer.PassOnAsync(database.Host, request));
        await using var source = database.OpenSource(5, server.Host);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var partition = Assert.Single(await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct));
        cancel.CancelAfter(TimeSpan.FromMilliseconds(200));
        var clock = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var batch in source.ReadAsync(partition, partition.Start, cancel.Token)) batch.Dispose();
        });
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));

        // And a server that stays silent is given up as transient.
        await using var impatient = database.OpenSource(5, server.Host, timeout: TimeSpan.FromMilliseconds(300));
        var error = await Assert.ThrowsAsync<PipelineException>(async () =>
        {
            await foreach (var batch in impatient.ReadAsync(partition, partition.Start, Ct)) batch.Dispose();
        });
        Assert.Equal((FirestoreErrors.TimedOut, FailureKind.Transient), (error.Error, error.Kind));
    }

    [Fact]
    public async Task A_limit_asks_for_no_more_than_it_needs()
    {
        await using var database = await FilledAsync(100);
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
        await using var database = await FilledAsync(1);
        await using var source = database.OpenSource();
        var health = await source.CheckAsync(Ct);
        Assert.Null(health.Problem);
        Assert.Equal("things", health.Identity["collection"]);
        Assert.Single(health.Warnings);

        await using var server = new FakeServer(_ => new FakeAnswer(403, FirestoreFaultTests.Error("PERMISSION_DENIED", "no")));
        await using var refused = database.OpenSource(host: server.Host);
        Assert.Equal(FirestoreErrors.PermissionDenied, (await refused.CheckAsync(Ct)).Problem?.Error);
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

    private static Dictionary<string, string> Expected(int count) =>
        Enumerable.Range(0, count).ToDictionary(i => $"k{i:00}", i => $$"""{"n":{{i}}}""");

    // A server that divides as the service does, which the emulator can't; everything else it passes on.
    private static FakeServer Dividing(FirestoreDatabase database, int partitions) => new(async request =>
    {
        if (!request.Path.EndsWith(":partitionQuery", StringComparison.Ordinal)) return await FakeServer.PassOnAsync(database.Host, request);
        string[] others = [$"{database.Documents}/a/b/things/k20", $"{database.Documents}/things/k20/things/z"];
        var cursors = Enumerable.Range(1, partitions - 1).Select(i => $"{database.Documents}/things/k{i * 100 / partitions:00}").Reverse().Concat(others);
        return new FakeAnswer(200, $$"""{"partitions":[{{string.Join(',', cursors.Select(c => $"{{\"values\":[{{\"referenceValue\":\"{c}\"}}]}}"))}}]}""");
    });

    private async Task<FirestoreDatabase> FilledAsync(int count)
    {
        var database = emulator.NewDatabase();
        await database.PutAsync(Enumerable.Range(0, count).Select(i => ($"k{i:00}", $$"""{"n":{"integerValue":"{{i}}"} }""")));
        return database;
    }
}
