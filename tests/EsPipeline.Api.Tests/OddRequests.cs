using System.Net.Http.Headers;
using System.Text;

namespace EsPipeline.Api.Tests;

/// <summary>Requests that are nearly right, or not at all, made from a seed: searches of odd shapes, some with damaged bytes, and odd addresses.</summary>
/// <param name="random">Where chance comes from.</param>
/// <param name="index">An index that is there.</param>
internal sealed class OddRequests(Random random, string index)
{
    private static readonly string[] Fields =
    [
        "n", "f", "at", "ip", "geo", "bin", "span", "ok", "name", "name.keyword", "labels", "labels.inner", "labels.open", "tags", "tags.inner", "cards", "cards.number", "cards.bank", "_id", "*",
        "na*", "*.number", "_source", "_index", "n.", ".n", "", "N", "\\u006e", "\\ud83d", "\\u0000", "nаme", "name\\u200b", "cards.*", "labels.*", "_doc", "-n", "n:desc", "name:asc",
    ];

    private static readonly string[] Members =
    [
        "index", "query_fields", "fields", "exclude_fields", "sort_by", "size", "page", "page_size", "query", "aggs", "script_fields", "runtime_mappings", "_source", "from", "pit", "Index", "\\ud83d", "fields ",
    ];

    private static readonly string[] Scalars =
    [
        "null", "true", "false", "0", "-0", "-1", "1", "2", "10", "1.5", "1e2", "1e999", "-1e999999999", "99999999999999999999999", "2147483648", "1E-400", "\"\"", "\"x\"", "\"0\"", "\"NaN\"", "\"*\"",
        "\"now\"", "\"now+999999999y/y\"", "\"now-9999999999999999d\"", "\"2024-01-01||+1M/d\"", "\"2024-13-45\"", "\"1.2.3.4/40\"", "\"\\ud83d\"", "\"\\ude00\\ud83d\"", "\"\\u0000\"", "\"desc\"", "\"n:desc\"",
        "\"<script>\"", "\"POINT(1 2)\"", "\"91,181\"", "\"../..\"", "\"_all\"", "\".security\"", "\"a,b\"", "\"http://localhost/\"",
    ];

    private static readonly string[] Operators = ["gte", "gt", "lte", "lt", "script", "query_string", "regexp", "wildcard", "format", "boost", "_name", "order", "terms"];

    private static readonly string[] Addresses =
    [
        "search/{0}/scroll?{1}", "indices/{0}/fields?{1}", "api/timeline?{1}", "api/label_counts?{1}", "api/count_specific?{1}", "api/pipeline/{0}", "search/{0}", "./{0}", "indices?{1}", "assets/{0}", "openapi.json?{1}",
    ];

    private static readonly string[] Parameters =
    [
        "cursor", "size", "fields", "sort", "label", "interval", "from", "to", "tz", "top", "prefix", "q", "source", "scroll_id", "", "size[]", "Cursor", "%00", "label%0d%0a",
    ];

    private static readonly string[] Arguments =
    [
        "", "1", "0", "-1", "99999999999", "1.5", "n", "name", "-name", "name:desc", "labels.inner", "na*", "%00", "%ff%fe", "%ED%A0%80", "..%2f..%2f", "/dev/zero", "Europe/Berlin", "+01:00", "1d", "1s", "auto", "2024-01-01",
        "9999-12-31", "0001-01-01", "now", "AAAA", "%27%20or%201=1", "%F0%9F%98%80", "%252e%252e", "1&size=2", "a%0d%0aX-Injected:1",
    ];

    /// <summary>The next one; the caller disposes of it.</summary>
    public HttpRequestMessage Next() => random.Next(4) == 0 ? Address() : Search();

    private HttpRequestMessage Search()
    {
        var text = random.Next(8) switch
        {
            0 => Value(random.Next(20)),
            1 => new string('[', random.Next(1, 100)) + new string(']', random.Next(100)),
            _ => Body(),
        };
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var damage = random.Next(6) == 0 ? random.Next(1, 4) : 0; damage > 0 && bytes.Length > 0; damage--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        if (random.Next(12) == 0) bytes = bytes[..random.Next(bytes.Length + 1)];
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(random.Next(20) == 0 ? "text/plain" : "application/json");
        return new HttpRequestMessage(HttpMethod.Post, "search") { Content = content };
    }

    private HttpRequestMessage Address()
    {
        var name = random.Next(2) == 0 ? index : Pick(Arguments).Replace('&', 'x');
        var query = string.Join('&', Enumerable.Range(0, random.Next(4)).Select(_ => $"{Pick(Parameters)}={Pick(Arguments)}"));
        return new HttpRequestMessage(HttpMethod.Get, string.Format(null, Pick(Addresses), name, query));
    }

    // A search with a right index mostly, and anything else in it.
    private string Body()
    {
        var members = new List<string> { $"\"index\":{(random.Next(10) == 0 ? Value(1) : $"\"{index}\"")}" };
        for (var i = random.Next(4); i > 0; i--)
        {
            members.Add(random.Next(6) switch
            {
                0 => $"\"query_fields\":{{{string.Join(',', Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"\"{Pick(Fields)}\":{Condition()}"))}}}",
                1 => $"\"fields\":[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => $"\"{Pick(Fields)}\""))}]",
                2 => $"\"exclude_fields\":[\"{Pick(Fields)}\"]",
                3 => $"\"sort_by\":{(random.Next(2) == 0 ? $"\"{Pick(Fields)}\"" : $"{{\"{Pick(Fields)}\":{Value(1)}}}")}",
                4 => $"\"{(random.Next(2) == 0 ? "page" : "page_size")}\":{Pick(Scalars)}",
                _ => $"\"{Pick(Members)}\":{Value(random.Next(4))}",
            });
        }

        return $"{{{string.Join(',', members)}}}";
    }

    private string Condition() => random.Next(5) switch
    {
        0 => Value(3),
        1 => $"[{string.Join(',', Enumerable.Range(0, random.Next(5)).Select(_ => Pick(Scalars)))}]",
        2 => $"{{\"{Pick(Operators)}\":{Pick(Scalars)}}}",
        _ => Pick(Scalars),
    };

    private string Value(int depth) => (depth == 0 ? 0 : random.Next(3)) switch
    {
        1 => $"[{string.Join(',', Enumerable.Range(0, random.Next(3)).Select(_ => Value(depth - 1)))}]",
        2 => $"{{{string.Join(',', Enumerable.Range(0, random.Next(3)).Select(_ => $"\"{(random.Next(2) == 0 ? Pick(Fields) : Pick(Operators))}\":{Value(depth - 1)}"))}}}",
        _ => Pick(Scalars),
    };

    private string Pick(string[] from) => from[random.Next(from.Length)];
}
