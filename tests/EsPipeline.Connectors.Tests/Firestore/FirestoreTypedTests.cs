using System.Text;
using System.Text.Json.Nodes;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Documents in Firestore's own JSON: every kind of value comes through whole, and what is none is refused before it is sent.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreTypedTests(FirestoreEmulator emulator)
{
    private const string Kinds = """
        {"text":{"stringValue":"é\n\"\\ 😀 {\"stringValue\":\"x\"}"},"long":{"integerValue":"9007199254740993"},"least":{"integerValue":"-9223372036854775808"},
        "one":{"integerValue":"1"},"double":{"doubleValue":1},"tenth":{"doubleValue":0.1},"huge":{"doubleValue":1e300},"tiny":{"doubleValue":1.5e-310},
        "nan":{"doubleValue":"NaN"},"less":{"doubleValue":"-Infinity"},"more":{"doubleValue":"Infinity"},"yes":{"booleanValue":true},"nothing":{"nullValue":null},
        "at":{"timestampValue":"2024-02-29T10:11:12.123456Z"},"whole":{"timestampValue":"0001-01-01T00:00:00Z"},"milli":{"timestampValue":"9999-12-31T23:59:59.5Z"},
        "place":{"geoPointValue":{"latitude":41.12,"longitude":-71.34}},"null island":{"geoPointValue":{"latitude":0,"longitude":0}},
        "bytes":{"bytesValue":"+/8="},"no bytes":{"bytesValue":""},"there":{"referenceValue":"projects/other/databases/(default)/documents/a/b/c/d"},
        "map":{"mapValue":{"fields":{"at":{"timestampValue":"2024-01-01T00:00:00Z"},"%2F":{"arrayValue":{"values":[{"bytesValue":"AAEC"},{"mapValue":{}},{"doubleValue":2}]}}}}},
        "empty map":{"mapValue":{}},"empty list":{"arrayValue":{}},"50%25":{"nullValue":null},
        "vector":{"mapValue":{"fields":{"__type__":{"stringValue":"__vector__"},"value":{"arrayValue":{"values":[{"doubleValue":1},{"doubleValue":2.5}]}}}}}}
        """;

    private static readonly string[] Ids = ["plain", "50%25", "%2Fslash", "%00", "__id5__", "a b", "é🔑"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The documents at and beyond the limits of plain JSON, but for those whose field names only plain JSON may have.</summary>
    public static TheoryData<string, string, string, ErrorCode> Edges =>
        [.. FirestoreLimitsTests.Edges.Where(e => !e.Data.Item2.Contains("\"__", StringComparison.Ordinal))];

    [Fact]
    public async Task A_copy_from_Firestore_to_Firestore_is_the_same_in_every_kind_of_value_and_a_comparison_sees_each()
    {
        await using var from = await FilledAsync();
        await using var to = Typed("other things");
        var stored = await CopyAsync(from.OpenSource(3), to.OpenSink());
        Assert.Equal((null, Ids.Length), (stored.Error, (int)stored.Account.Written));
        await SameAsync(from, to);
        using (var state = new TemporaryFolder())
        {
            await using var source = from.OpenSource();
            await using var sink = to.OpenSink();
            Assert.True((await EngineRun.CompareAsync(source, sink, state.Path, Ct)).IsClean);
        }

        // Other kinds under the same names: plain JSON would call most of them equal.
        (string Field, string Stored)[] others =
        [
            ("one", """{"doubleValue":1}"""), ("at", """{"stringValue":"2024-02-29T10:11:12.123456Z"}"""), ("bytes", """{"stringValue":"+/8="}"""), ("nan", """{"stringValue":"NaN"}"""),
            ("empty list", """{"mapValue":{}}"""), ("tenth", """{"doubleValue":0.10000000000000002}"""),
        ];
        foreach (var (field, other) in others)
        {
            var changed = JsonNode.Parse(Kinds)!.AsObject();
            changed[field] = JsonNode.Parse(other);
            await to.PutAsync([("plain", changed.ToJsonString())]);
            using var state = new TemporaryFolder();
            await using var source = from.OpenSource();
            await using var sink = to.OpenSink();
            var different = Assert.Single((await EngineRun.CompareAsync(source, sink, state.Path, Ct)).Different.Examples);
            Assert.Equal("plain", different.Key);
            Assert.All(different.Differences, d => Assert.StartsWith(field, d, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_backup_in_a_file_brings_every_kind_of_value_back()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "backup.jsonl");
        await using var from = await FilledAsync();
        await using var to = Typed("things");
        Assert.Null((await CopyAsync(from.OpenSource(3), new EnvelopeSink(new OutputFileOptions { File = file }, TimeProvider.System, NullLogger<EnvelopeSink>.Instance))).Error);
        Assert.Equal(Ids.Length, (await File.ReadAllLinesAsync(file, Ct)).Length);
        var restored = await CopyAsync(new JsonLinesSource(new JsonLinesOptions { Files = [file], ContentField = "content" }, TimeProvider.System), to.OpenSink());
        Assert.Equal((null, Ids.Length), (restored.Error, (int)restored.Account.Written));
        await SameAsync(from, to);
    }

    [Theory]
    [InlineData("""{"v":1}""", "Its field v is no value of Firestore's own JSON")]
    [InlineData("""{"v":"text"}""", "Its field v is no value")]
    [InlineData("""{"v":{}}""", "Its field v is no value")]
    [InlineData("""{"v":{"functionValue":{}}}""", "Its field v has a value of the kind 'functionValue'")]
    [InlineData("""{"a":{"mapValue":{"fields":{"b":{"arrayValue":{"values":[{"nullValue":null},{"x\"y":1}]}}}}}}""", "Its field a.b has a value of the kind 'x\"y'")]
    [InlineData("""{"v":{"stringValue":"a","integerValue":"1"}}""", "has two kinds at once")]
    [InlineData("""{"v":{"stringValue":1}}""", "holds a Number where its kind asks for a String")]
    [InlineData("""{"v":{"stringValue":null}}""", "holds a Null")]
    [InlineData("""{"v":{"integerValue":"9223372036854775808"}}""", "no whole number of 64 bits")]
    [InlineData("""{"v":{"integerValue":"1x"}}""", "no whole number of 64 bits")]
    [InlineData("""{"v":{"integerValue":1.5}}""", "no whole number of 64 bits")]
    [InlineData("""{"v":{"doubleValue":1e400}}""", "no double of 64 bits holds")]
    [InlineData("""{"v":{"doubleValue":"nan"}}""", "no double of 64 bits holds")]
    [InlineData("""{"v":{"booleanValue":"yes"}}""", "neither true nor false")]
    [InlineData("""{"v":{"nullValue":0.5}}""", "a nullValue that is not null")]
    [InlineData("""{"v":{"timestampValue":"2024-01-01"}}""", "no time of the years")]
    [InlineData("""{"v":{"timestampValue":"2024-01-01T00:00:00"}}""", "no time of the years")]
    [InlineData("""{"v":{"timestampValue":"2023-02-29T00:00:00Z"}}""", "no time of the years")]
    [InlineData("""{"v":{"timestampValue":"0000-12-31T23:59:59Z"}}""", "no time of the years")]
    [InlineData("""{"v":{"bytesValue":"no base64!"}}""", "not base64")]
    [InlineData("""{"v":{"bytesValue":"_-8="}}""", "not base64")]
    [InlineData("""{"v":{"geoPointValue":{"latitude":91,"longitude":0}}}""", "no latitude of -90 to 90")]
    [InlineData("""{"v":{"geoPointValue":{"latitude":"NaN"}}}""", "no latitude of -90 to 90")]
    [InlineData("""{"v":{"geoPointValue":{"latitude":1,"altitude":2}}}""", "no latitude of -90 to 90")]
    [InlineData("""{"v":{"referenceValue":"a/b"}}""", "no document's name")]
    [InlineData("""{"v":{"referenceValue":"projects/p/databases/(default)/documents/a"}}""", "no document's name")]
    [InlineData("""{"v":{"arrayValue":{"values":[{"arrayValue":{}}]}}}""", "an array in an array")]
    [InlineData("""{"v":{"arrayValue":{"values":{}}}}""", "holds a StartObject where its kind asks for a StartArray")]
    [InlineData("""{"v":{"arrayValue":{"items":[]}}}""", "'items' in place of 'values'")]
    [InlineData("""{"v":{"mapValue":{"fields":{},"more":{}}}}""", "more than its values")]
    [InlineData("""{"":{"nullValue":null}}""", "a field without a name")]
    [InlineData("""{"__x__":{"nullValue":null}}""", "Firestore keeps names of this form")]
    public async Task What_is_not_Firestores_own_JSON_is_refused_with_its_place_as_the_server_would(string json, string reason)
    {
        await using var database = Typed("things");
        await using var sink = await database.OpenSinkAsync();
        var failure = Assert.Single((await sink.WriteAsync(("before", "{}"), ("hostile", json), ("after", "{}"))).Failures);
        Assert.Equal((1, FirestoreErrors.NotTyped), (failure.Index, failure.Error));
        Assert.Contains(reason, failure.Reason, StringComparison.Ordinal);
        Assert.Equal(["after", "before"], (await database.AllAsync()).Keys.Order());

        // Of these the emulator makes another value than was meant.
        string[] lenient = ["""{"v":{"stringValue":1}}""", """{"v":{"bytesValue":"_-8="}}""", """{"v":{"timestampValue":"2023-02-29T00:00:00Z"}}"""];
        if (!lenient.Contains(json)) Assert.NotNull(await Xunit.Record.ExceptionAsync(() => database.PutAsync([("hostile", json)])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("__x__")]
    public async Task A_key_that_is_no_id_is_refused(string key)
    {
        await using var database = Typed("things");
        await using var sink = await database.OpenSinkAsync();
        Assert.Equal(FirestoreErrors.NotTyped, Assert.Single((await sink.WriteAsync((key, "{}"), (key, null), ("good", "{}"))).Failures.DistinctBy(f => f.Error)).Error);
        Assert.Equal(["good"], (await database.AllAsync()).Keys);
    }

    [Theory]
    [InlineData("""{"a":{"integerValue":"1"},"a":{"integerValue":"2"}}""")]
    [InlineData("""{"m":{"mapValue":{"fields":{"a":{"nullValue":null},"\u0061":{"nullValue":null}}}}}""")]
    public async Task A_field_that_comes_twice_is_refused(string twice)
    {
        await using var database = Typed("things");
        await using var sink = await database.OpenSinkAsync();
        Assert.Equal(FirestoreErrors.NameTwice, Assert.Single((await sink.WriteAsync(("twice", twice))).Failures).Error);
    }

    [Theory]
    [MemberData(nameof(Edges))]
    public async Task The_limits_are_those_of_plain_JSON(string key, string at, string beyond, ErrorCode error)
    {
        await using var database = Typed("things");
        await using var sink = await database.OpenSinkAsync();
        var failure = Assert.Single((await sink.WriteAsync(("before", "{}"), (key, PlainEncoding.Of(at)), ("beyond" + key, PlainEncoding.Of(beyond)))).Failures.Take(1));
        Assert.Equal((2, error), (failure.Index, failure.Error));
        Assert.Equal(2, (await database.AllAsync()).Count);
    }

    [Fact]
    public async Task What_means_the_same_reads_back_the_same()
    {
        (string Key, string? Json)[] documents =
        [
            ("a", """{"n":{"integerValue":5},"d":{"doubleValue":9007199254740993},"z":{"nullValue":"NULL_VALUE"},"b":{"bytesValue":"\u0041A=="},"l":{"arrayValue":{"values":[]}},"m":{"mapValue":{"fields":{}}}}"""),
            ("b", """{"t":{"timestampValue":"2024-01-01T00:00:00.123456789+02:00"},"g":{"geoPointValue":{"latitude":1}},"s":{"stringValue":"\ud800\/"},"e":{"doubleValue":-1.50e+2}}"""),
        ];
        await using var database = Typed("things");
        await using var sink = database.OpenSink();
        await using var source = new ListSource([.. documents.Select(d => new Document(d.Key, d.Json!))]);
        using var state = new TemporaryFolder();
        Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Error);
        await using var again = database.OpenSink();
        var result = await EngineRun.CompareAsync(source, again, state.Path, Ct);
        Assert.Empty(result.Unwritable.SelectMany(u => u.Worst).Select(r => r.Reason));
        Assert.Empty(result.Different.Examples.SelectMany(e => e.Differences));
        Assert.True(result.IsClean);
        Assert.Equal("""{"integerValue":"5"}""", (await database.FieldsAsync("a"))!["n"]!.ToJsonString());
    }

    [Fact]
    public async Task References_that_lead_elsewhere_are_told_once()
    {
        var log = new LogLines();
        await using var database = Typed("things");
        await using (var sink = await database.OpenSinkAsync(log: log))
        {
            await sink.WriteOneAsync("a", $$"""{"here":{"referenceValue":"{{database.Documents}}/a/b"},"there":{"referenceValue":"projects/other/databases/(default)/documents/a/b"} }""");
        }

        Assert.Contains("1 do not lead into", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_says_in_which_form_its_documents_are_and_a_test_document_is_in_it()
    {
        await using var database = emulator.NewDatabase();
        await using (var plain = database.OpenSource()) Assert.DoesNotContain("values", (await Health.OfAsync(plain)).Identity.Keys);
        database.Values = FirestoreValues.Typed;
        await using var source = database.OpenSource();
        Assert.Equal("typed", (await Health.OfAsync(source)).Identity["values"]);
        await using var sink = await database.OpenSinkAsync();
        Assert.Equal("typed", (await Health.OfAsync(sink)).Identity["values"]);
        var test = Encoding.UTF8.GetString(((IReadableSink)sink).TestDocument(Guid.Empty));
        await sink.WriteOneAsync("test", test);
        Assert.Equal(test, Encoding.UTF8.GetString((await sink.ReadAsync("test"u8.ToArray(), Ct))!));
    }

    [Fact]
    public void The_line_breaks_of_the_service_are_left_out_and_nothing_else()
    {
        var decoder = new DocumentDecoder(new FirestoreCollection("p", "(default)", "things"), DocumentForm.Typed);
        using var output = new RecordBatchBuilder();
        var result = "{\n \"document\": {\n  \"name\": \"projects/p/databases/(default)/documents/things/a\",\n  \"fields\": {\n   \"a \\\" b\\\\\": {\r\n\t\"stringValue\": \" x \\\\\\\" y \" } } } }";
        decoder.Decode(Encoding.UTF8.GetBytes(result), 1, output, new ConversionCounts());
        using var batch = output.Build(new Position("end"), 0, "document");
        Assert.Equal("""{"a \" b\\":{"stringValue":" x \\\" y "}}""", Encoding.UTF8.GetString(batch.Records.Span[0].Json.Span));
    }

    private static async Task SameAsync(FirestoreDatabase from, FirestoreDatabase to)
    {
        var (before, after) = (await from.AllAsync(), await to.AllAsync());
        Assert.Equal(before.Keys.Order(StringComparer.Ordinal), after.Keys.Order(StringComparer.Ordinal));
        Assert.All(before, d => Assert.Equal(d.Value.ToJsonString(), after[d.Key].ToJsonString()));
    }

    private static async Task<Core.Engine.RunResult> CopyAsync(IDataSource source, IDataSink sink)
    {
        await using (source)
        await using (sink)
        {
            using var state = new TemporaryFolder();
            return await EngineRun.CopyAsync(source, sink, state.Path, Ct);
        }
    }

    private FirestoreDatabase Typed(string collection)
    {
        var database = emulator.NewDatabase(collection);
        database.Values = FirestoreValues.Typed;
        return database;
    }

    private async Task<FirestoreDatabase> FilledAsync()
    {
        var database = Typed("things");
        await database.PutAsync(Ids.Select(id => (id, Kinds)));
        return database;
    }
}
