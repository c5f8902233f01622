using System.Buffers;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Records;

public sealed class JsonKeyTests
{
    [Theory]
    [InlineData("""{"id":"a"}""", "id", "a")]
    [InlineData("""{"id":"with \"quotes\" \\ \u00e9 \ud83d\ude00 \n"}""", "id", "with \"quotes\" \\ é 😀 \n")]
    [InlineData("""{"id":42}""", "id", "42")]
    [InlineData("""{"id":9007199254740993}""", "id", "9007199254740993")]
    [InlineData("""{"id":-1.50e3}""", "id", "-1.50e3")]
    [InlineData("""{ "x" : [ {"id":1} ] , "id" : "last" }""", "id", "last")]
    [InlineData("""{"\u0069d":"escaped name"}""", "id", "escaped name")]
    [InlineData("""{"a":{"b":{"c":"deep"}}}""", "a.b.c", "deep")]
    [InlineData("""{"a":{"x":{"b":"wrong"},"b":"right"}}""", "a.b", "right")]
    [InlineData("""{"id":"first","id":"second"}""", "id", "first")]
    [InlineData("""{"":"empty name"}""", "", "empty name")]
    public void A_text_or_a_number_at_a_path_is_the_key(string document, string path, string key) => Assert.Equal(key, Find(document, path));

    [Theory]
    [InlineData("""{}""", "id")]
    [InlineData("""{"id":null}""", "id")]
    [InlineData("""{"id":""}""", "id")]
    [InlineData("""{"id":true}""", "id")]
    [InlineData("""{"id":{}}""", "id")]
    [InlineData("""{"id":["a"]}""", "id")]
    [InlineData("""{"ID":"a"}""", "id")]
    [InlineData("""{"a":"text"}""", "a.b")]
    [InlineData("""{"a":[{"b":"in an array"}]}""", "a.b")]
    [InlineData("""{"x":{"id":"elsewhere"}}""", "id")]
    [InlineData("""{"id":"half a pair \ud800"}""", "id")]
    [InlineData("""{"id":"the other half \udc00 alone"}""", "id")]
    [InlineData("[]", "id")]
    [InlineData("42", "id")]
    public void Anything_else_is_none(string document, string path) => Assert.Null(Find(document, path));

    [Fact]
    public void What_is_not_JSON_is_told() => Assert.ThrowsAny<JsonException>(() => Find("{\"x\":", "id"));

    [Fact]
    public void Depth_is_no_obstacle()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"d\":", 300)) + "1" + new string('}', 300);
        Assert.Equal("k", Find($"{{\"deep\":{deep},\"id\":\"k\"}}", "id"));
    }

    [Fact]
    public void A_field_before_the_key_that_holds_half_a_pair_is_passed_over()
    {
        Assert.Equal("k", Find("""{"text \ud800":"\udc00","id":"k"}""", "id"));
    }

    private static string? Find(string document, string path)
    {
        var output = new ArrayBufferWriter<byte>();
        var found = JsonKey.TryWrite(Encoding.UTF8.GetBytes(document), [.. path.Split('.').Select(Encoding.UTF8.GetBytes)], output);
        Assert.True(found || output.WrittenCount == 0);
        return found ? Encoding.UTF8.GetString(output.WrittenSpan) : null;
    }
}
