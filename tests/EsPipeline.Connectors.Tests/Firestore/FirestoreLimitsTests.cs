using System.Text;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Record = EsPipeline.Core.Records.Record;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>
/// Each limit from both sides: what lies at it is sent and taken by the server, what lies one beyond is refused before it is sent, and the
/// server would have refused it too.
/// </summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreLimitsTests(FirestoreEmulator emulator)
{
    private const string Collection = "things";

    // What a document's name and the document itself add: 16 + (things 7) + (id 4) + 32, for an id of 3 bytes.
    private const int Base = 16 + 7 + 4 + 32;

    public static TheoryData<string, string, string, ErrorCode> Edges => new()
    {
        // The key, the document at the limit, the one beyond it, and the refusal.
        { "doc", Texts(FirestoreLimits.MaxDocumentBytes - Base), Texts(FirestoreLimits.MaxDocumentBytes - Base + 1), FirestoreErrors.DocumentTooLarge },
        { "doc", Accented(FirestoreLimits.MaxDocumentBytes - Base), Accented(FirestoreLimits.MaxDocumentBytes - Base + 2), FirestoreErrors.DocumentTooLarge },
        { "doc", Escaped(FirestoreLimits.MaxDocumentBytes - Base), Escaped(FirestoreLimits.MaxDocumentBytes - Base + 1), FirestoreErrors.DocumentTooLarge },
        { "doc", Mixed(FirestoreLimits.MaxDocumentBytes - Base), Mixed(FirestoreLimits.MaxDocumentBytes - Base + 1), FirestoreErrors.DocumentTooLarge },
        { "doc", $$"""{"f":"{{new string('x', 1_048_487)}}"}""", $$"""{"f":"{{new string('x', 1_048_488)}}"}""", FirestoreErrors.ValueTooLarge },
        { "doc", Maps(20), Maps(21), FirestoreErrors.TooDeep },
        { "doc", Alternating(20), Alternating(21), FirestoreErrors.TooDeep },
        { "doc", $$"""{"{{new string('n', 1500)}}":1}""", $$"""{"{{new string('n', 1501)}}":1}""", FirestoreErrors.FieldNameTooLong },
        { "doc", Maps(10, new string('n', 135)), Maps(10, new string('n', 136)), FirestoreErrors.FieldNameTooLong },
        { "doc", $$"""{"f":[{"{{new string('é', 749)}}":1}]}""", $$"""{"f":[{"{{new string('é', 749)}}x":1}]}""", FirestoreErrors.FieldNameTooLong },
        { "doc", $$"""{"__{{new string('n', 1494)}}__":1}""", $$"""{"__{{new string('n', 1495)}}__":1}""", FirestoreErrors.FieldNameTooLong },
    };

    [Theory]
    [MemberData(nameof(Edges))]
    public async Task A_document_is_taken_at_the_limit_and_refused_beyond(string key, string at, string beyond, ErrorCode error)
    {
        await using var database = emulator.NewDatabase(Collection);
        await using var sink = await database.OpenSinkAsync();
        await sink.WriteOneAsync(key, at);
        Assert.NotNull(await database.FieldsAsync(key));

        var failure = Assert.Single((await sink.WriteAsync(("before", "{}"), (key, beyond), ("after", "{}"))).Failures);
        Assert.Equal((1, error), (failure.Index, failure.Error));
        Assert.Equal(3, (await database.AllAsync()).Count);
        await TheServerRefusesAsync(database, key, beyond);
    }

    [Theory]
    [InlineData("""{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}],"aa":5}""", """{"a":1,"aa":2,"a":3}""")]
    [InlineData("""{"x":{"y":{"a":1,"b":2}}}""", """{"x":{"y":{"a":1,"\u0061":2}}}""")]
    [InlineData("""{"l":["\ud800","\ud801"]}""", """{"l":[{"\ud800":1,"\ud801":2}]}""")]
    public async Task A_field_that_comes_twice_is_refused_and_neither_of_its_values_lost(string once, string twice)
    {
        await using var database = emulator.NewDatabase(Collection);
        await using var sink = await database.OpenSinkAsync();
        var failure = Assert.Single((await sink.WriteAsync(("once", once), ("twice", twice), ("after", "{}"))).Failures);
        Assert.Equal((1, FirestoreErrors.NameTwice), (failure.Index, failure.Error));
        Assert.Equal(2, (await database.AllAsync()).Count);
    }

    [Theory]
    [InlineData(1500, 1501, "k")]
    [InlineData(750, 751, "ü")]
    public async Task A_key_is_taken_at_the_limit_and_refused_beyond(int at, int beyond, string letter)
    {
        await using var database = emulator.NewDatabase(Collection);
        await using var sink = await database.OpenSinkAsync();
        await sink.WriteOneAsync(Repeat(at), "{}");
        var result = await sink.WriteAsync((Repeat(beyond), "{}"), (Repeat(beyond), null), ("/" + Repeat(at)[1..], "{}"), ("good", "{}"));
        Assert.Equal([0, 1, 2], result.Failures.Select(f => f.Index));
        Assert.All(result.Failures, f => Assert.Equal(FirestoreErrors.IdTooLong, f.Error));
        Assert.Equal(2, (await database.AllAsync()).Count);

        string Repeat(int count) => string.Concat(Enumerable.Repeat(letter, count));
    }

    [Fact]
    public async Task What_only_looks_too_large_is_taken()
    {
        await using var database = emulator.NewDatabase(Collection);
        await using var sink = await database.OpenSinkAsync();
        string[] documents =
        [
            // Much larger as JSON than by the formula.
            $$"""{"f":"{{string.Concat(Enumerable.Repeat("\\u0041", 500_000))}}"}""",
            $$"""{"f":[{{string.Join(',', Enumerable.Repeat("  1234567890123456789", 100_000))}}]}""",

            // Beyond what an index entry holds.
            $$"""{"f":"{{new string('x', 100_000)}}"}""",

            // Nothing but nesting that is flattened.
            $$"""{"f":{{new string('[', 500)}}1{{new string(']', 500)}}}""",
        ];
        var result = await sink.WriteAsync([.. documents.Select((d, i) => ($"doc{i}", (string?)d))]);
        Assert.Empty(result.Failures);
        Assert.Equal(documents.Length, (await database.AllAsync()).Count);
    }

    [Fact]
    public async Task A_slice_of_more_than_a_request_holds_is_split()
    {
        await using var database = emulator.NewDatabase(Collection);
        await using var sink = await database.OpenSinkAsync();
        var large = $$"""{"f":"{{new string('x', 1_000_000)}}"}""";
        Assert.Empty((await sink.WriteAsync([.. Enumerable.Range(0, 9).Select(i => ($"large{i}", (string?)large))])).Failures);
        Assert.Empty((await sink.WriteAsync([.. Enumerable.Range(0, 1201).Select(i => ($"small{i}", (string?)"{}"))])).Failures);
        Assert.Equal(9 + 1201, (await database.AllAsync()).Count);
    }

    [Fact]
    public async Task A_document_that_no_request_holds_is_refused_alone()
    {
        await using var database = emulator.NewDatabase(Collection);
        await using var sink = await database.OpenSinkAsync();
        var larger = $$"""{"f":[{{string.Join(',', Enumerable.Repeat("true", 1_000_000))}}]}""";

        // As JSON more than the emulator takes at all, and yet taken: it counts the bytes that it makes of it.
        var large = $$"""{"f":[{{string.Join(',', Enumerable.Repeat("null", 400_000))}}]}""";
        var result = await sink.WriteAsync(("a", "{}"), ("larger", larger), ("b", "{}"), ("large", large), ("c", "{}"));
        var failure = Assert.Single(result.Failures);
        Assert.Equal((1, FirestoreErrors.RequestTooLarge), (failure.Index, failure.Error));
        Assert.Equal(["a", "b", "c", "large"], (await database.AllAsync()).Keys.Order());
    }

    [Fact]
    public void The_checks_need_no_connection()
    {
        var encoder = new DocumentEncoder(new FirestoreCollection("p", "(default)", Collection), SourceSchema.Unknown, typed: false);
        using var output = new PooledBuffer();
        Assert.Null(encoder.TryAppend(Of("k", "{\"a\":1}"), output, new ConversionCounts()));
        var length = output.Length;
        Assert.Equal(FirestoreErrors.TooDeep, encoder.TryAppend(Of("k", Maps(21)), output, new ConversionCounts())!.Error);
        Assert.Equal(FirestoreErrors.NotAnObject, encoder.TryAppend(Of("k", "[1]"), output, new ConversionCounts())!.Error);
        Assert.Equal(FirestoreErrors.NotAnObject, encoder.TryAppend(Of("k", "{\"a\":"), output, new ConversionCounts())!.Error);
        Assert.Equal(length, output.Length);

        static Record Of(string key, string json) => new(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(json), RecordOperation.Upsert, 0, 0);
    }

    // The refusal is not espipe's invention: the same document sent past it is refused.
    private static async Task TheServerRefusesAsync(FirestoreDatabase database, string key, string json)
    {
        var fields = PlainEncoding.Of(json);
        var refused = await Xunit.Record.ExceptionAsync(() => database.PutAsync([(key, fields)]));
        Assert.NotNull(refused);
    }

    // Two texts, so that no single value is too large.
    private static string Texts(int bytes)
    {
        var rest = bytes - (2 + 500_000 + 1) - 3;
        return $$"""{"a":"{{new string('x', 500_000)}}","b":"{{new string('x', rest)}}"}""";
    }

    private static string Accented(int bytes)
    {
        var rest = bytes - (2 + 500_000 + 1) - 3;
        return $$"""{"a":"{{new string('é', 250_000)}}","b":"{{new string('é', rest / 2)}}{{new string('x', rest % 2)}}"}""";
    }

    private static string Escaped(int bytes)
    {
        var rest = bytes - (2 + 500_000 + 1) - 3;
        return $$"""{"a":"{{string.Concat(Enumerable.Repeat("\\ud83d\\ude00", 125_000))}}","b":"\n{{new string('x', rest - 1)}}"}""";
    }

    // One of everything, and the rest as text.
    private static string Mixed(int bytes)
    {
        const string Others = """ "i":1,"d":1.5,"t":true,"n":null,"m":{},"l":[],"o":{"k":"v"},"a":[1,true,null,{},{"x":"y"}],"__r__":0 """;
        const int OthersBytes = (2 + 8) + (2 + 8) + (2 + 1) + (2 + 1) + (2 + 1) + (2 + 1) + (2 + 2 + 2) + (2 + 8 + 1 + 1 + 1 + 2 + 2) + (8 + 8);
        return $$"""{"f":"{{new string('x', 500_000)}}","g":"{{new string('x', bytes - OthersBytes - 500_003 - 3)}}",{{Others}}}""";
    }

    private static string Maps(int depth, string name = "m") =>
        string.Concat(Enumerable.Repeat($"{{\"{name}\":", depth + 1)) + "1" + new string('}', depth + 1);

    private static string Alternating(int depth)
    {
        var json = "1";
        for (var i = 0; i < depth; i++) json = i % 2 == 0 ? $"[{json}]" : $"{{\"m\":{json}}}";
        return $$"""{"f":{{json}}}""";
    }
}
