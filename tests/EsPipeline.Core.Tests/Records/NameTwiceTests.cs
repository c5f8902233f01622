using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Records;

/// <summary>Documents with two members of one name in one object.</summary>
public sealed class NameTwiceTests
{
    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"a":1}""", null)]
    [InlineData("""{"a":1,"a":2}""", "a")]
    [InlineData("""{"":1,"":2}""", "")]
    [InlineData("""{ "a" : 1 , "b" : [ { "a" : 1 } , { "a" : 2 } ] , "a" : 3 }""", "a")]
    [InlineData("""{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}""", null)]
    [InlineData("""{"a":[{"b":1,"c":{"b":1},"b":2}]}""", "b")]
    [InlineData("""{"a":"\"a\":1,\"a\":2","b":"{\"b\":"}""", null)]
    [InlineData("""{"a":"x\\","a":1}""", "a")]
    [InlineData("""{"\u0061":1,"a":2}""", "a")]
    [InlineData("""{"a\"":1,"a\\\"":2}""", null)]
    [InlineData("""{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":1,"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab":1}""", null)]
    [InlineData("""{"ab":1,"ba":2,"ab ":3,"AB":4,"é":5,"é":6}""", "é")]
    [InlineData("""{"\ud800":1,"\ud800":2}""", "\\ud800")]
    [InlineData("", null)]
    [InlineData("}{:", null)]
    [InlineData("""{"a":1,"a""", null)]
    [InlineData(""":"a":"a":""", null)]
    public void Are_found(string json, string? name) => Assert.Equal(name, JsonSyntax.NameTwice(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(5000)]
    public void Are_found_among_many(int names)
    {
        var members = Enumerable.Range(0, names).Select(i => $"\"name{i}\":{i}").ToArray();
        Assert.Null(JsonSyntax.NameTwice(Encoding.UTF8.GetBytes($"{{{string.Join(',', members)}}}")));
        foreach (var twice in new[] { 0, names / 2, names - 1 })
        {
            Assert.Equal($"name{twice}", JsonSyntax.NameTwice(Encoding.UTF8.GetBytes($"{{{string.Join(',', members.Append(members[twice]))}}}")));
        }
    }

    [Theory]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(2000)]
    public void Are_found_however_deep(int depth)
    {
        var nested = string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "{\"b\":1,\"b\":2}" + new string('}', depth);
        Assert.Equal("b", JsonSyntax.NameTwice(Encoding.UTF8.GetBytes(nested)));
        Assert.Null(JsonSyntax.NameTwice(Encoding.UTF8.GetBytes(nested.Replace("\"b\":2", "\"c\":2", StringComparison.Ordinal))));
    }

    [Fact]
    public void What_is_found_in_random_documents_is_what_a_plain_reader_finds()
    {
        var (random, twice) = (new Random(20240229), 0);
        for (var i = 0; i < 20_000; i++)
        {
            var text = new StringBuilder();
            Value(text, random, 0, isObject: true);
            var json = Encoding.UTF8.GetBytes(text.ToString());
            var expected = Plain(json);
            if (expected is not null) twice++;
            Assert.True(expected == JsonSyntax.NameTwice(json), $"{expected} in {text}");
        }

        Assert.InRange(twice, 2000, 18_000);
    }

    [Fact]
    public void Deeper_documents_than_may_be_are_told_apart_from_large_ones()
    {
        var brackets = string.Concat(Enumerable.Repeat("[1],{\"[[\":\"\\\"[\"},", 2000));
        foreach (var depth in new[] { 10, 999, 1000, 1001, 5000 })
        {
            var json = new string('[', depth - 1) + "[" + brackets + "0]" + new string(']', depth - 1);
            Assert.Equal(depth >= DocumentJson.MaxDepth, DocumentJson.IsTooDeep(Encoding.UTF8.GetBytes(json)));
        }

        Assert.False(DocumentJson.IsTooDeep(Encoding.UTF8.GetBytes(new string('[', 1000) + new string(' ', 100) + new string(']', 1000))));
        Assert.True(DocumentJson.IsTooDeep(Encoding.UTF8.GetBytes(new string('[', 1001) + new string(']', 1001))));
    }

    private static void Value(StringBuilder text, Random random, int depth, bool isObject = false)
    {
        var blank = () => text.Append(' ', random.Next(8) == 0 ? random.Next(4) : 0);
        var kind = isObject ? 0 : random.Next(depth > 4 ? 2 : 0, 5);
        if (kind == 0)
        {
            var count = random.Next(7);
            text.Append('{');
            for (var i = 0; i < count; i++)
            {
                blank();
                Text(text, random);
                blank();
                text.Append(':');
                blank();
                Value(text, random, depth + 1);
                blank();
                if (i < count - 1) text.Append(',');
            }

            text.Append('}');
        }
        else if (kind == 1)
        {
            text.Append('[');
            for (var i = random.Next(4); i >= 0; i--)
            {
                Value(text, random, depth + 1);
                if (i > 0) text.Append(',');
            }

            text.Append(']');
        }
        else if (kind == 2)
        {
            Text(text, random);
        }
        else
        {
            text.Append(kind == 3 ? "-12.5e3" : "null");
        }
    }

    private static void Text(StringBuilder text, Random random)
    {
        string[] parts = ["a", "b", "c", "name", "é", "{", "}", ":", ",", "[", "]", "\\\"", "\\\\", "\\u0061", "0123456789"];
        text.Append('"');
        for (var i = random.Next(4); i >= 0; i--) text.Append(parts[random.Next(random.Next(3) == 0 ? parts.Length : 5)]);
        text.Append('"');
    }

    // As the reader goes: the name that is the first to come for the second time.
    private static string? Plain(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        var objects = new Stack<HashSet<string>>();
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.StartObject) objects.Push([]);
            else if (reader.TokenType == JsonTokenType.EndObject) objects.Pop();
            else if (reader.TokenType == JsonTokenType.PropertyName && !objects.Peek().Add(reader.GetString()!)) return reader.GetString();
        }

        return null;
    }
}
