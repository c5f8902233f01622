using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Records;

public sealed class JsonSyntaxTests
{
    private const int Seed = 20_260_711;

    private static readonly string[] Objects =
    [
        "{}",
        " {\t} \r\n",
        """{"":""}""",
        """{"a":[]}""",
        """{"a":[[],{},[{}],[1,"b",null,true,false]]}""",
        """{"n":[0,-0,1,-12,0.5,1e5,1E+5,1.25e-300,12345678901234567890123,-0.0E0]}""",
        """{"esc\"aped \\ \/ \b\f\n\r\t \u00e9 \uD83D\uDE00 \ud800":"\"\\"}""",
        "{\"text\":\"\u00e9\u4e16😀 and what goes on for longer than a vector, so that it takes several of them to find its end\"}",
        """{"id":"key-000000001","amount":1,"big":9007199254740994,"flag":false,"note":"Some words that go on for a while, as notes of people do","tags":["a1","b1"]}""",
        """{ "a" : 1 , "b" : [ 1 , 2 ] , "c" : { "d" : "e" } }""",
        """{"a":1,"a":2}""",
    ];

    private static readonly string[] Others =
    [
        "", " ", "{", "}", "[]", "[{}]", "1", "\"a\"", "null", "{}{}", "{},", "{}a", "{]", "{\"a\":[}", "{\"a\":{]}", "{\"a\"}", "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}",
        "{,}", "{\"a\":1,,\"b\":2}", "{\"a\":[1,]}", "{\"a\":[,1]}", "{\"a\":[1 2]}", "{\"a\":1 \"b\":2}", "{a:1}", "{'a':1}", "{\"a\":1;}", "{1:1}", "{\"a\":'b'}",
        "{\"a\":01}", "{\"a\":-}", "{\"a\":-01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1.e5}", "{\"a\":1e}", "{\"a\":1e+}", "{\"a\":0x1}", "{\"a\":1e5.5}", "{\"a\":--1}",
        "{\"a\":tru}", "{\"a\":True}", "{\"a\":truer}", "{\"a\":nul}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":1}/**/", "/**/{}", "{\"a\":1//\n}",
        "{\"a\":\"b}", "{\"a\":\"\\\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u123", "{\"a\":\"\n\"}", "{\"a\":\"\0\"}", "{\"\t\":1}", "\uFEFF{}", "{\u00A0}",
    ];

    public static TheoryData<string> Good => [.. Objects];

    public static TheoryData<string> Bad => [.. Others];

    [Theory]
    [MemberData(nameof(Good))]
    public void An_object_is_known_without_reading_it(string json)
    {
        Assert.True(JsonSyntax.IsObject(Encoding.UTF8.GetBytes(json)));
        JsonSyntax.CheckObject(Encoding.UTF8.GetBytes(json));
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Anything_else_is_refused(string json)
    {
        Assert.False(JsonSyntax.IsObject(Encoding.UTF8.GetBytes(json)));
        Assert.ThrowsAny<JsonException>(() => JsonSyntax.CheckObject(Encoding.UTF8.GetBytes(json)));
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(DocumentJson.MaxDepth, false)]
    public void What_is_nested_deeper_than_the_quick_look_goes_is_read(int depth, bool quick)
    {
        var json = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", depth - 1)) + "{}" + new string('}', depth - 1));
        Assert.Equal(quick, JsonSyntax.IsObject(json));
        JsonSyntax.CheckObject(json);
    }

    [Fact]
    public void What_is_nested_too_deeply_is_refused()
    {
        var json = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", DocumentJson.MaxDepth)) + "{}" + new string('}', DocumentJson.MaxDepth));
        Assert.ThrowsAny<JsonException>(() => JsonSyntax.CheckObject(json));
    }

    [Fact]
    public void Every_byte_at_every_place_of_a_text_is_judged_as_the_reader_judges_it()
    {
        for (var length = 0; length < 70; length++)
        {
            for (var at = 0; at < length; at++)
            {
                var json = Encoding.UTF8.GetBytes("{\"a\":\"" + new string('x', length) + "\"}");
                for (var value = 0; value < 128; value++)
                {
                    json[6 + at] = (byte)value;
                    Assert.True(IsObjectByReader(json) == JsonSyntax.IsObject(json), $"byte {value} at {at} of {length}");
                }
            }
        }
    }

    [Fact]
    public void Broken_and_mended_documents_are_judged_as_the_reader_judges_them()
    {
        var random = new Random(Seed);
        var alphabet = "{}[]\":,\\ \n\t0123456789-+.eEtrufalsn/x\u0001"u8.ToArray();
        var accepted = 0;
        for (var round = 0; round < 300_000; round++)
        {
            var json = Encoding.UTF8.GetBytes(Objects[random.Next(Objects.Length)]).ToList();
            for (var changes = random.Next(1, 3); changes > 0 && json.Count > 0; changes--)
            {
                var (at, value) = (random.Next(json.Count), alphabet[random.Next(alphabet.Length)]);
                switch (random.Next(4))
                {
                    case 0: json[at] = value; break;
                    case 1: json.Insert(at, value); break;
                    case 2: json.RemoveAt(at); break;
                    default: json.RemoveRange(at, Math.Min(random.Next(4), json.Count - at)); break;
                }
            }

            byte[] bytes = [.. json];
            var expected = IsObjectByReader(bytes);
            accepted += expected ? 1 : 0;
            Assert.True(expected == JsonSyntax.IsObject(bytes), $"seed {Seed}, round {round}: {Encoding.UTF8.GetString(bytes)}");
        }

        Assert.InRange(accepted, 30_000, 270_000);
    }

    private static bool IsObjectByReader(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
