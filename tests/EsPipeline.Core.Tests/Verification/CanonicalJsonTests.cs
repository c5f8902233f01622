using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Verification;

namespace EsPipeline.Core.Tests.Verification;

/// <summary>What counts as the same content, and what does not.</summary>
public sealed class CanonicalJsonTests
{
    [Theory]
    [InlineData("""{"a":1,"b":2}""", """{ "b" : 2 , "a" : 1 }""")]
    [InlineData("""{"a":{"x":[1,{"p":1,"q":2}],"y":null}}""", """{"a":{"y":null,"x":[1,{"q":2,"p":1}]}}""")]
    [InlineData("""{"a":1}""", """{"a":1.0}""")]
    [InlineData("""{"a":1000}""", """{"a":1e3}""")]
    [InlineData("""{"a":0.0025}""", """{"a":2.50E-3}""")]
    [InlineData("""{"a":0}""", """{"a":-0.000e99}""")]
    [InlineData("""{"a":1e400}""", """{"a":10e399}""")]
    [InlineData("""{"a":1e100000000000000000000}""", """{"a":10e99999999999999999999}""")]
    [InlineData("""{"a":-12.5}""", """{"a":-125e-1}""")]
    [InlineData("""{"a":"é/\n"}""", """{"\u0061":"\u00e9\/\u000a"}""")]
    [InlineData("""{"a":"😀"}""", """{"a":"\ud83d\ude00"}""")]
    public void Documents_that_say_the_same_are_equal(string a, string b) => Assert.Equal(Hash(a), Hash(b));

    [Theory]
    [InlineData("""{"a":9007199254740993}""", """{"a":9007199254740992}""")]
    [InlineData("""{"a":0.1}""", """{"a":0.10000000000000000001}""")]
    [InlineData("""{"a":12}""", """{"a":1.2}""")]
    [InlineData("""{"a":1}""", """{"a":-1}""")]
    [InlineData("""{"a":1}""", """{"a":"1"}""")]
    [InlineData("""{"a":null}""", "{}")]
    [InlineData("""{"a":""}""", """{"a":null}""")]
    [InlineData("""{"a":[1,2]}""", """{"a":[2,1]}""")]
    [InlineData("""{"a":[1,2]}""", """{"a":[12]}""")]
    [InlineData("""{"a":[[1],2]}""", """{"a":[1,[2]]}""")]
    [InlineData("""{"a":["b","c"]}""", """{"a":["b\",\"c"]}""")]
    [InlineData("""{"a":{},"b":1}""", """{"a":{"b":1}}""")]
    [InlineData("""{"a":"e\u0301"}""", """{"a":"\u00e9"}""")]
    [InlineData("""{"a":"\ud800"}""", """{"a":"\udc00"}""")]
    [InlineData("""{"a":true}""", """{"a":false}""")]
    [InlineData("""{"a":1,"a":2}""", """{"a":2,"a":1}""")]
    public void Documents_that_say_something_else_differ(string a, string b) => Assert.NotEqual(Hash(a), Hash(b));

    [Fact]
    public void Every_document_of_the_corpus_is_equal_to_itself_and_to_no_other()
    {
        var canonical = new CanonicalJson(fractionsAreDoubles: false);
        var hashes = Corpus.All.Select(d => canonical.Hash(d.JsonBytes, null)).ToArray();
        Assert.Equal(hashes, Corpus.All.Select(d => canonical.Hash(d.JsonBytes, null)));
        foreach (var (i, a) in Corpus.All.Index())
        {
            foreach (var (j, b) in Corpus.All.Index()) Assert.True(hashes[i] == hashes[j] == JsonContent.Equal(a.Json, b.Json), $"{a} and {b}");
        }
    }

    [Fact]
    public void Only_fields_that_count_are_compared_and_null_is_the_same_as_none()
    {
        var fields = new HashSet<byte[]>(KeyComparer.Instance) { "a"u8.ToArray(), "b"u8.ToArray() };
        UInt128 Of(string json) => new CanonicalJson(false).Hash(Encoding.UTF8.GetBytes(json), fields);
        Assert.Equal(Of("""{"a":1,"b":null}"""), Of("""{"other":[1,{"a":2}],"\u0061":1}"""));
        Assert.NotEqual(Of("""{"a":{"other":1}}"""), Of("""{"a":{"other":2}}"""));
    }

    [Fact]
    public void Where_fractions_are_doubles_their_nearest_double_counts_and_integers_stay_exact()
    {
        UInt128 Of(string json) => new CanonicalJson(fractionsAreDoubles: true).Hash(Encoding.UTF8.GetBytes(json), null);
        Assert.Equal(Of("""{"a":5e-324}"""), Of("""{"a":4.9E-324}"""));
        Assert.Equal(Of("""{"a":0.1}"""), Of("""{"a":0.1000000000000000055}"""));
        Assert.NotEqual(Of("""{"a":9007199254740993}"""), Of("""{"a":9007199254740992}"""));
    }

    private static UInt128 Hash(string json) => new CanonicalJson(fractionsAreDoubles: false).Hash(Encoding.UTF8.GetBytes(json), null);
}
