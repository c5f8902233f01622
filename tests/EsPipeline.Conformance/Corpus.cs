using System.Globalization;
using System.Text;

namespace EsPipeline.Conformance;

/// <summary>
/// Documents and keys that have broken pipelines before: what every connector has to carry without a change. Constant, so that a failure
/// repeats.
/// </summary>
public static class Corpus
{
    /// <summary>The longest key that a connector has to take, in bytes of UTF-8: Firestore's limit, the smallest but for Elasticsearch's 512.</summary>
    public const int LongestKey = 1500;

    /// <summary>One document for each kind of content, under a plain key that names it.</summary>
    public static IReadOnlyList<Document> Contents { get; } = Named(
    [
        new("empty", "{}"),
        new("null", """{"v":null}"""),
        new("true-and-false", """{"t":true,"f":false}"""),
        new("empty-text", """{"v":""}"""),
        new("text", """{"v":"Grüße, мир, 世界"}"""),
        new("text-non-bmp", """{"v":"👩‍🚀 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🏴󠁧󠁢󠁳󠁣󠁴󠁿"}"""),
        new("text-combining", "{\"v\":\"e\u0301 \u202eabc\u202c \u200d\"}"),
        new("text-escapes", """{"v":"\"quoted\" \\ back \/ slash \b\f\n\r\t \u0001 \u001f \u007f \u2028 \u2029"}"""),
        new("text-escaped-surrogates", """{"v":"\ud83d\ude00"}"""),
        new("text-looks-like-json", """{"v":"{\"a\":[1,2]}"}"""),
        new("text-looks-like-csv", """{"v":"a,b;\"c\"\nd\te"}"""),
        new("text-looks-like-sql", """{"v":"'; DROP TABLE users; -- %s $1 ?"}"""),
        new("text-looks-like-markup", """{"v":"<script>alert(1)</script> &amp; ${jndi:ldap://x}"}"""),
        new("text-blanks", """{"v":"  both ends  "}"""),
        new("text-40000", $$"""{"v":"{{new string('x', 39_999)}}ü"}"""),
        new("integer", """{"v":42,"n":-42,"z":0}"""),
        new("integer-2-53", """{"v":9007199254740992,"over":9007199254740993,"n":-9007199254740993}"""),
        new("integer-64", """{"max":9223372036854775807,"min":-9223372036854775808}"""),
        new("decimal", """{"a":0.1,"b":-12.5,"c":3.141592653589793,"d":1.0}"""),
        new("decimal-exponent", """{"a":1e3,"b":2.5E-7,"c":1.7976931348623157e308,"d":5e-324}"""),
        new("array", """{"v":[1,"two",3.5,true,null,{"k":"v"}]}"""),
        new("array-empty", """{"v":[],"w":{}}"""),
        new("array-of-texts", """{"tags":["a","b","","a"]}"""),
        new("array-of-objects", """{"items":[{"sku":"a","n":1},{"sku":"b","n":2,"more":[1,2]}]}"""),
        new("nested", """{"a":{"b":{"c":{"d":{"e":{"f":"deep"}}}}}}"""),
        new("deep-18", Nested(18)),
        new("wide-1000", Wide(1000)),
        new("names-unicode", """{"größe":1,"名前":"x","😀":true}"""),
        new("names-awkward", """{"with space":1,"with\"quote":2,"with\\back":3,"with/slash":4,"$dollar":5,"back`tick":6,"[0]":7}"""),
        new("names-of-systems", """{"id":"not-the-key","key":"k","content":"text","value":1,"type":"t","select":"s"}"""),
        new("names-differ-by-case", """{"name":1,"Name":2,"NAME":3}"""),
        new("dates-as-text", """{"a":"2024-02-29T23:59:60Z","b":"2024-01-01","c":"not a date","d":"0001-01-01T00:00:00Z"}"""),
        new("blanks-between-tokens", "{ \"a\" : [ 1 , 2 ] , \"b\" : { } }"),
    ]);

    /// <summary>Keys as they come: each with a small document that repeats its number.</summary>
    public static IReadOnlyList<Document> Keys { get; } = [.. AwkwardKeys().Select((key, i) => new Document(key, $$"""{"number":{{i}}}"""))];

    /// <summary>Documents whose arrays hold arrays: not every system has them.</summary>
    public static IReadOnlyList<Document> NestedArrays { get; } = Named(
    [
        new("array-in-array", """{"v":[1,[2,[3,4]],[]]}"""),
    ]);

    /// <summary>Numbers that fit neither a 64-bit integer nor a double: not every system has them.</summary>
    public static IReadOnlyList<Document> ExactNumbers { get; } = Named(
    [
        new("integer-over-64", """{"v":18446744073709551615,"w":123456789012345678901234567890}"""),
        new("decimal-long", """{"v":0.1234567890123456789012345678901234567890,"w":-99999999999999999999.99}"""),
    ]);

    /// <summary>Everything that any system is asked to carry.</summary>
    public static IReadOnlyList<Document> All { get; } = [.. Contents, .. Keys, .. NestedArrays, .. ExactNumbers];

    /// <summary>Many plain documents with rising keys, texts, numbers and a time that rises by a second.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Another seed, other documents under the same keys.</param>
    public static IEnumerable<Document> Plain(int count, int seed = 1)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var time = DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000 + i).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            yield return new Document(
                PlainKey(i),
                string.Create(CultureInfo.InvariantCulture, $$"""{"n":{{i}},"@timestamp":"{{time}}","price":{{random.Next(1, 100_000) / 100.0}},"name":"item {{random.Next()}}"}"""));
        }
    }

    /// <summary>The key of the document at a place of <see cref="Plain"/>.</summary>
    public static string PlainKey(int number) => string.Create(CultureInfo.InvariantCulture, $"doc-{number:0000000}");

    /// <summary>Documents that all have the same time.</summary>
    public static IEnumerable<Document> Ties(int count) =>
        Enumerable.Range(0, count).Select(i => new Document($"tie-{i:0000}", $$"""{"n":{{i}},"@timestamp":"2024-01-01T00:00:00Z"}"""));

    /// <summary>A document with so many bytes of key and JSON together.</summary>
    public static Document OfBytes(string key, long bytes)
    {
        const string frame = """{"v":""}""";
        var text = bytes - Encoding.UTF8.GetByteCount(key) - frame.Length;
        ArgumentOutOfRangeException.ThrowIfNegative(text, nameof(bytes));
        return new Document(key, $$"""{"v":"{{new string('a', checked((int)text))}}"}""");
    }

    private static Document[] Named(Document[] documents) => [.. documents.Select(d => d with { Key = "content-" + d.Key })];

    private static IEnumerable<string> AwkwardKeys()
    {
        string[] keys =
        [
            "plain", "a/b", "/", "a//b/", ".", "..", ".hidden", "../../etc/passwd", "__x__", "__", "__id42__", "_", "_id", "-", "--option",
            "with space", " leading", "trailing ", "with\nnewline", "with\r\nbreak", "tab\there", "with\"quote", "with'quote", "back`tick",
            "back\\slash", "a,b", "a;b", "a:b", "a@b", "a#b?c=d&e", "100%", "%2F", "%", "a*b", "<>|", "${x}", "{\"json\":1}", "[1]", "=1+1", "+1", "@at",
            "0", "00", "007", "-1", "1e5", "1.0", "9223372036854775808", "true", "null", "NULL", "undefined", "NaN",
            "ключ", "鍵", "clé", "cle\u0301", "🔑", "a🔑b", "\u202ertl", "İi", "ẞß", "AbC", "aBc", "x\"}}\n{\"delete\":{}}",
        ];
        return keys.Append(new string('k', LongestKey)).Append(string.Concat(Enumerable.Repeat("ü", LongestKey / 2)));
    }

    private static string Nested(int depth) =>
        new StringBuilder().Insert(0, "{\"d\":", depth - 1).Append("{\"end\":true}").Append('}', depth - 1).ToString();

    private static string Wide(int fields) => "{" + string.Join(',', Enumerable.Range(0, fields).Select(i => $"\"field_{i}\":{i}")) + "}";
}
