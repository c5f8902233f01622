using System.Text;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Records;

public sealed class RecordTransformTests
{
    private const string Document = """{"a":1,"b":{"c":2,"d":{"e":3}},"list":[{"x":1,"y":2},{"x":3},7],"z":"text"}""";

    public static TheoryData<string, string[], string[], string[], string[], string> Rules => new()
    {
        { "none", [], [], [], [], Document },
        { "keep", ["a", "z"], [], [], [], """{"a":1,"z":"text"}""" },
        { "keep a path", ["b.d.e"], [], [], [], """{"b":{"d":{"e":3}}}""" },
        { "keep an object", ["b"], [], [], [], """{"b":{"c":2,"d":{"e":3}}}""" },
        { "keep in a list", ["list.x"], [], [], [], """{"list":[{"x":1},{"x":3},7]}""" },
        { "keep what is not there", ["missing"], [], [], [], "{}" },
        { "exclude", [], ["a", "list"], [], [], """{"b":{"c":2,"d":{"e":3}},"z":"text"}""" },
        { "exclude a path", [], ["b.d.e"], [], [], """{"a":1,"b":{"c":2,"d":{}},"list":[{"x":1,"y":2},{"x":3},7],"z":"text"}""" },
        { "exclude in a list", [], ["list.x"], [], [], """{"a":1,"b":{"c":2,"d":{"e":3}},"list":[{"y":2},{},7],"z":"text"}""" },
        { "keep and exclude", ["b"], ["b.c"], [], [], """{"b":{"d":{"e":3}}}""" },
        { "rename", [], [], ["a=first", "b.d.e=deep"], [], """{"first":1,"b":{"c":2,"d":{"deep":3}},"list":[{"x":1,"y":2},{"x":3},7],"z":"text"}""" },
        { "rename and keep", ["a"], [], ["a=with \"quotes\""], [], """{"with \"quotes\"":1}""" },
        { "set", ["a"], [], [], ["new=text", "n=1.50", "o={\"x\":[1]}", "q=\"quoted\"", "nothing=null", "empty="], """{"a":1,"new":"text","n":1.50,"o":{"x":[1]},"q":"quoted","nothing":null,"empty":""}""" },
        { "set instead", ["a", "z"], [], [], ["a=2"], """{"z":"text","a":2}""" },
        { "set alone", ["missing"], [], [], ["a=2"], """{"a":2}""" },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Rules_change_what_they_name_and_nothing_else(string name, string[] keep, string[] exclude, string[] rename, string[] set, string expected)
    {
        Assert.NotEmpty(name);
        var result = Apply(new RecordTransform(new TransformRules(keep, exclude, rename, set), null, new Shard(0, 1)), new Document("k", Document));
        Assert.Equal(("k", expected), (result.Records.Single().Key, result.Records.Single().Json));
    }

    public static TheoryData<string, string[], string[], string[], string, string> Spellings => new()
    {
        { "exclude", [], ["user.ssn"], [], """{"user.ssn":1,"user.name":2}""", """{"user.name":2}""" },
        { "exclude an object", [], ["user"], [], """{"user.ssn":1,"users":2}""", """{"users":2}""" },
        { "exclude, half and half", [], ["a.b.c"], [], """{"a.b":{"c":1,"d":2},"a":{"b.c":3},"a.b.c":4}""", """{"a.b":{"d":2},"a":{}}""" },
        { "exclude, escaped", [], ["user.ssn"], [], """{"user\u002essn":1}""", "{}" },
        { "exclude in a list", [], ["list.x.y"], [], """{"list":[{"x.y":1,"z":2}]}""", """{"list":[{"z":2}]}""" },
        { "keep", ["host.name"], [], [], """{"host.name":1,"host.ip":2,"host":{"name":3,"ip":4},"name":5}""", """{"host.name":1,"host":{"name":3}}""" },
        { "keep an object", ["host"], [], [], """{"host.name":1,"hosts":2}""", """{"host.name":1}""" },
        { "rename", [], [], ["user.name=login"], """{"user.name":1,"user.id":2}""", """{"user.login":1,"user.id":2}""" },
        { "rename an object", [], [], ["user=account"], """{"user.name":1,"user":{"name":2}}""", """{"account.name":1,"account":{"name":2}}""" },
        { "rename both", [], [], ["user=account", "user.name=login"], """{"user.name":1}""", """{"account.login":1}""" },
        { "odd dots", [], ["a.b"], [], """{"a..b":1,".a.b":2,"a.b.":3,".":4,"":5}""", """{"a..b":1,".a.b":2,".":4,"":5}""" },
    };

    [Theory]
    [MemberData(nameof(Spellings))]
    public void A_name_with_dots_is_the_same_field_as_one_within_objects(string name, string[] keep, string[] exclude, string[] rename, string document, string expected)
    {
        Assert.NotEmpty(name);
        var result = Apply(new RecordTransform(new TransformRules(keep, exclude, rename, []), null, new Shard(0, 1)), new Document("k", document));
        Assert.Equal(expected, result.Records.Single().Json);
    }

    [Theory]
    [InlineData("""{"user.id":7}""", "7")]
    [InlineData("""{"user":{"id":"x"}}""", "x")]
    [InlineData("""{"user":{"name":1},"user\u002eid":8}""", "8")]
    [InlineData("""{"users.id":1,"user.ids":2,"user":{"id":3}}""", "3")]
    public void The_key_is_found_in_either_spelling(string document, string key) =>
        Assert.Equal(key, Apply(new RecordTransform(new TransformRules([], [], [], []), "user.id", new Shard(0, 1)), new Document("k", document)).Records.Single().Key);

    [Theory]
    [InlineData("""{"a":1,"b":2}""", "a=b")]
    [InlineData("""{"b":2,"a":1}""", "a=b")]
    [InlineData("""{"\u0062":2,"a":1}""", "a=b")]
    [InlineData("""{"größe":2,"a":1}""", "a=größe")]
    [InlineData("""{"list":[{"x":1},{"x":1,"y":2}]}""", "list.x=y")]
    [InlineData("""{"user.login":2,"user.name":1}""", "user.name=login")]
    public void A_new_name_that_the_document_has_already_sets_it_aside(string document, string rename)
    {
        var malformed = Assert.Single(Apply(new RecordTransform(new TransformRules([], [], [rename], []), null, new Shard(0, 1)), new Document("k", document)).Malformed);
        Assert.Equal(("transform.name_taken", document), (malformed.Error.Code, Encoding.UTF8.GetString(malformed.Raw.Span)));
    }

    [Theory]
    [InlineData("""{"a":1,"b":2}""", """{"b":1}""", "b", "a=b")]
    [InlineData("""{"a":1,"b":2}""", """{"b":1,"a":2}""", "none", "a=b", "b=a")]
    [InlineData("""{"b":{"a":1},"a":2}""", """{"b":{"c":1},"a":2}""", "none", "b.a=c")]
    public void A_name_that_a_rule_makes_free_can_be_taken(string document, string expected, string exclude, params string[] rename) =>
        Assert.Equal(expected, Apply(new RecordTransform(new TransformRules([], [exclude], rename, []), null, new Shard(0, 1)), new Document("k", document)).Records.Single().Json);

    [Theory]
    [InlineData(new[] { "a=x", "b=x" }, new string[0])]
    [InlineData(new[] { "a=x", "a=y" }, new string[0])]
    [InlineData(new[] { "a=x" }, new[] { "x=1" })]
    [InlineData(new[] { "user.a=x", "user.b=x" }, new string[0])]
    [InlineData(new string[0], new[] { "x=1", "x=2" })]
    public void Two_rules_that_give_one_field_a_value_are_a_mistake(string[] rename, string[] set) =>
        Assert.Contains(rename.Concat(set).Last(), Assert.Throws<FormatException>(() => new TransformRules([], [], rename, set)).Message, StringComparison.Ordinal);

    [Fact]
    public void Values_that_no_rule_touches_keep_their_bytes()
    {
        const string document = """{ "a" : 1.50 , "\u0062" : "\u00e9\/" , "c" : [ 1 , {"d" : 1e400} ] , "x" : 1 }""";
        var result = Apply(new RecordTransform(new TransformRules([], ["x"], [], []), null, new Shard(0, 1)), new Document("k", document));
        Assert.Equal("""{"a":1.50,"\u0062":"\u00e9\/","c":[ 1 , {"d" : 1e400} ]}""", result.Records.Single().Json);
    }

    [Fact]
    public void A_rule_finds_a_name_however_it_is_escaped()
    {
        var rules = new TransformRules([], ["größe", "b"], [], []);
        Assert.Equal("""{"c":3}""", Apply(new RecordTransform(rules, null, new Shard(0, 1)), new Document("k", """{"gr\u00f6\u00dfe":1,"\u0062":2,"c":3}""")).Records.Single().Json);
    }

    [Fact]
    public void A_name_that_holds_half_a_surrogate_pair_matches_no_rule_and_is_kept()
    {
        var rules = new TransformRules([], ["b"], [], []);
        Assert.Equal("""{"\ud800":1}""", Apply(new RecordTransform(rules, null, new Shard(0, 1)), new Document("k", """{"\ud800":1,"b":2}""")).Records.Single().Json);
    }

    [Fact]
    public void Documents_of_the_corpus_pass_unchanged_where_a_rule_names_nothing_of_theirs()
    {
        var transform = new RecordTransform(new TransformRules([], ["no such field"], [], []), null, new Shard(0, 1));
        foreach (var document in Corpus.All)
        {
            var record = Apply(transform, document).Records.Single();
            Assert.Equal((document.Key, null), (record.Key, JsonContent.Difference(document.Json, record.Json)));
        }
    }

    [Fact]
    public void Another_field_becomes_the_key()
    {
        var transform = new RecordTransform(new TransformRules([], [], [], []), "b.c", new Shard(0, 1));
        Assert.Equal("2", Apply(transform, new Document("k", Document)).Records.Single().Key);
        var malformed = Assert.Single(Apply(transform, new Document("k", """{"b":{}}""")).Malformed);
        Assert.Equal(("transform.no_id", "k"), (malformed.Error.Code, Encoding.UTF8.GetString(malformed.Key.Span)));
    }

    [Fact]
    public void The_key_is_taken_before_its_field_is_left_out()
    {
        var transform = new RecordTransform(new TransformRules([], ["a"], ["z=key"], []), "z", new Shard(0, 1));
        var record = Apply(transform, new Document("k", """{"a":1,"z":"text"}""")).Records.Single();
        Assert.Equal(("text", """{"key":"text"}"""), (record.Key, record.Json));
    }

    [Fact]
    public void Deletes_keep_their_key_and_can_not_be_given_another()
    {
        var plain = new RecordTransform(new TransformRules(["a"], [], [], ["b=1"]), null, new Shard(0, 1));
        var delete = Apply(plain, Slices.Deletes("k")).Records.Single();
        Assert.Equal(("k", "", RecordOperation.Delete), (delete.Key, delete.Json, delete.Operation));
        var keyed = new RecordTransform(new TransformRules([], [], [], []), "id", new Shard(0, 1));
        Assert.Equal("transform.delete_without_document", Assert.Single(Apply(keyed, Slices.Deletes("k")).Malformed).Error.Code);
    }

    [Fact]
    public void What_is_no_object_is_malformed_and_the_rest_goes_on()
    {
        var transform = new RecordTransform(new TransformRules([], ["x"], [], []), null, new Shard(0, 1));
        var result = Apply(transform, new Document("a", "[]"), new Document("b", "{\"v\":"), new Document("c", "{}"), new Document("d", "not json"));
        Assert.Equal(["c"], result.Records.Select(r => r.Key));
        Assert.Equal(["a", "b", "d"], result.Malformed.Select(m => Encoding.UTF8.GetString(m.Key.Span)));
        Assert.All(result.Malformed, m => Assert.Equal("transform.not_an_object", m.Error.Code));
    }

    [Fact]
    public void Shards_together_have_every_record_once_and_count_the_others_as_filtered()
    {
        var documents = Corpus.Plain(500).ToArray();
        var seen = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var result = Apply(new RecordTransform(new TransformRules([], [], [], []), null, new Shard(i, 3)), documents);
            Assert.Equal(500, result.Records.Count + result.Filtered);
            seen.AddRange(result.Records.Select(r => r.Key));
        }

        Assert.Equal(documents.Select(d => d.Key), seen.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("id")]
    public void Shards_together_set_every_malformed_record_aside_once(string? idField)
    {
        var found = 0;
        for (var i = 0; i < 3; i++)
        {
            using var builder = new RecordBatchBuilder();
            for (var n = 0; n < 60; n++)
            {
                builder.Add(Encoding.UTF8.GetBytes($"no-id-{n}"), "{}"u8, RecordOperation.Upsert, 0, n);
                builder.Add(Encoding.UTF8.GetBytes($"no-json-{n}"), "{\"id\""u8, RecordOperation.Upsert, 0, n);
                builder.AddMalformed(n, [], Encoding.UTF8.GetBytes($"line {n}"), TransformErrors.NotAnObject, "It is no object.");
                builder.AddMalformed(n, Encoding.UTF8.GetBytes($"key-{n}"), "line"u8, TransformErrors.NotAnObject, "It is no object.");
            }

            var result = Apply(new RecordTransform(new TransformRules([], ["x"], [], []), idField, new Shard(i, 3)), builder.Build(new Position("end"), 0, "line"));
            Assert.Equal(240, result.Records.Count + result.Malformed.Count + result.Filtered);
            found += result.Malformed.Count;
        }

        Assert.Equal(idField is null ? 180 : 240, found);
    }

    [Fact]
    public void The_shard_looks_at_the_new_key()
    {
        var documents = Enumerable.Range(0, 100).Select(i => new Document($"old-{i}", $$"""{"id":"new-{{i}}"}""")).ToArray();
        var result = Apply(new RecordTransform(new TransformRules([], [], [], []), "id", new Shard(0, 2)), documents);
        Assert.All(result.Records, r => Assert.True(new Shard(0, 2).Has(Encoding.UTF8.GetBytes(r.Key))));
        Assert.InRange(result.Records.Count, 30, 70);
    }

    [Fact]
    public void A_deep_document_is_no_obstacle()
    {
        var deep = $$"""{"deep":{{string.Concat(Enumerable.Repeat("[", 300))}}{{new string(']', 300)}},"x":1}""";
        var result = Apply(new RecordTransform(new TransformRules([], ["x"], [], []), null, new Shard(0, 1)), new Document("k", deep));
        Assert.Empty(result.Malformed);
        Assert.EndsWith("]}", result.Records.Single().Json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a..b", "fields")]
    [InlineData("", "fields")]
    [InlineData("a", "rename")]
    [InlineData("a=", "rename")]
    [InlineData("=b", "rename")]
    [InlineData("a", "set")]
    [InlineData("=1", "set")]
    public void A_rule_that_can_not_be_read_is_named(string rule, string option)
    {
        string[] given = [rule];
        var error = Assert.Throws<FormatException>(() => new TransformRules(option == "fields" ? given : [], [], option == "rename" ? given : [], option == "set" ? given : []));
        Assert.Contains($"'{rule}'", error.Message, StringComparison.Ordinal);
    }

    private static Result Apply(RecordTransform transform, params Document[] documents) => Apply(transform, Slices.Of(documents));

    private static Result Apply(RecordTransform transform, RecordBatch batch)
    {
        using var transformed = transform.Apply(batch, out var filtered);
        Assert.Equal(batch.End, transformed.End);
        var records = new List<ReadRecord>();
        foreach (ref readonly var r in transformed.Records.Span)
        {
            records.Add(new ReadRecord(Encoding.UTF8.GetString(r.Key.Span), Encoding.UTF8.GetString(r.Json.Span), r.Operation, r.Version, r.Place));
        }

        return new Result(records, transformed.Malformed, filtered);
    }

    private sealed record Result(IReadOnlyList<ReadRecord> Records, IReadOnlyList<MalformedRecord> Malformed, int Filtered);
}
