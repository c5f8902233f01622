using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EsPipeline.Api.Tests;

/// <summary>Requests that nobody in good faith sends: each gets an answer, soon, never a 5xx, never of the inside and never of a denied field.</summary>
public sealed class HostileRequestTests(SearchServer search)
{
    private const int Requests = 1500;
    private const string Secret = "f4b1d0c9";

    private const string Mappings = """
        {"properties":{"n":{"type":"integer"},"f":{"type":"double"},"at":{"type":"date"},"ip":{"type":"ip"},"geo":{"type":"geo_point"},"bin":{"type":"binary"},
        "span":{"type":"date_range"},"ok":{"type":"boolean"},"name":{"type":"text","fields":{"keyword":{"type":"keyword"}}},"labels":{"type":"flattened"},
        "tags":{"type":"alias","path":"labels"},"cards":{"type":"nested","properties":{"number":{"type":"keyword"},"bank":{"type":"keyword"}}}}}
        """;

    private static readonly string[] Documents =
        [.. Enumerable.Range(0, 20).Select(i => $$$"""{"n":{{{i}}},"name":"{{{Secret}}}","labels":{"inner":"{{{Secret}}}","open":"x"},"cards":[{"number":"{{{Secret}}}","bank":"b"}]}""")];

    private static readonly ApiOptions Options = new() { RateLimit = 0, DenyFields = ["name", "labels.inner", "*.number"] };

    [Fact]
    public async Task No_odd_body_or_address_is_answered_with_more_than_it_may()
    {
        const int Seed = 20_260;
        var index = await search.CreateIndexAsync(Mappings, Documents);
        await using var api = await ApiServer.StartAsync(search, Options);
        var odd = new OddRequests(new Random(Seed), index);
        var refused = 0;
        for (var i = 0; i < Requests; i++)
        {
            using var request = odd.Next();
            var sent = request.Content is null ? request.RequestUri!.ToString() : Encoding.UTF8.GetString(await request.Content.ReadAsByteArrayAsync(SearchServer.Ct));
            var time = AwakeTime.Start();
            using var response = await api.Http.SendAsync(request, SearchServer.Ct);
            var answer = await response.Content.ReadAsStringAsync(SearchServer.Ct);
            var told = $"seed {Seed}, request {i}: {sent}\n{(int)response.StatusCode} {answer}";
            Assert.True((int)response.StatusCode is 200 or (>= 400 and < 500), told);
            Assert.True(time.Elapsed < TimeSpan.FromSeconds(10), told);
            Assert.DoesNotContain(Secret, answer, StringComparison.Ordinal);
            if (response.IsSuccessStatusCode) continue;

            // The web server itself refuses some addresses, with an empty answer, before any of our code sees them.
            refused++;
            if (answer.Length == 0 && request.Method == HttpMethod.Get) continue;
            Assert.True(response.Content.Headers.ContentType?.MediaType == "application/problem+json", told);
            var problem = JsonDocument.Parse(answer).RootElement;
            Assert.True(problem.GetProperty("code").GetString()!.StartsWith("api.", StringComparison.Ordinal) && problem.GetProperty("detail").GetString()!.Length > 0, told);
            foreach (var inside in (string[])["Exception", "127.0.0.1", "   at ", "_search", "parse_exception", "EsPipeline"]) Assert.False(answer.Contains(inside, StringComparison.Ordinal), told);
        }

        Assert.InRange(refused, Requests / 4, Requests - (Requests / 20));
    }

    [Theory]
    [InlineData("application/json", "gzip", 415)]
    [InlineData("application/json", "identity", 400)]
    [InlineData("application/json; charset=utf-16", "", 400)]
    [InlineData("text/json", "", 415)]
    [InlineData("application/x-www-form-urlencoded", "", 415)]
    [InlineData("multipart/form-data; boundary=x", "", 415)]
    [InlineData("", "", 415)]
    public async Task A_body_is_taken_only_as_what_it_has_to_be(string type, string encoding, int status)
    {
        await using var api = await ApiServer.StartAsync(new Uri("http://127.0.0.1:1"));

        // 1 MB that would become a gigabyte.
        using var bomb = new MemoryStream();
        await using (var gzip = new GZipStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (var i = 0; i < 100; i++) gzip.Write(new byte[1 << 20]);
        }

        using var content = new ByteArrayContent(bomb.ToArray());
        if (type.Length > 0) content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (encoding.Length > 0) content.Headers.ContentEncoding.Add(encoding);
        using var response = await api.Http.PostAsync("search", content, SearchServer.Ct);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ind\r\n", "api.bad_request")]
    [InlineData("POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", "api.bad_request")]
    [InlineData("POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "api.bad_request")]
    [InlineData("POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "api.bad_json")]
    [InlineData("TRACE /search HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.wrong_method")]
    [InlineData("DELETE /indices HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.wrong_method")]
    [InlineData("GET /indices HTTP/1.1\r\nHost: attacker.example\r\n\r\n", "api.loopback_only")]
    [InlineData("GET /search/a%2f_search/scroll HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.bad_index_name")]
    [InlineData("GET /search/..%2f_cluster%2fsettings/scroll HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.bad_index_name")]
    [InlineData("GET /indices/a%2fb/fields HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.bad_index_name")]
    [InlineData("GET /indices/%2e%2e%2f_cluster/fields HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.bad_index_name")]
    [InlineData("GET /indices/_all/fields HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.bad_index_name")]
    [InlineData("GET /search/%3Clogs-%7Bnow%2Fd%7D%3E/scroll HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.bad_index_name")]
    [InlineData("GET //indices HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.no_such_path")]
    [InlineData("GET /assets/../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.no_such_path")]
    [InlineData("GET /assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n", "api.no_such_path")]
    public async Task A_request_that_never_ends_or_is_none_is_answered_in_time(string request, string code)
    {
        await using var api = await ApiServer.StartAsync(new Uri("http://127.0.0.1:1"), new ApiOptions { Timeout = TimeSpan.FromMilliseconds(500) });
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, api.Address.Port, SearchServer.Ct);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), SearchServer.Ct);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(SearchServer.Ct);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        var answer = new StringBuilder();
        var buffer = new byte[8192];

        // The whole of it: an answer comes in any number of pieces.
        while (!Regex.IsMatch(answer.ToString(), "\"code\":\"[^\"]*\"", RegexOptions.None, TimeSpan.FromSeconds(1)))
        {
            var read = await stream.ReadAsync(buffer, patience.Token);
            if (read == 0) break;
            answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        Assert.StartsWith("HTTP/1.1 4", answer.ToString(), StringComparison.Ordinal);
        Assert.Contains($"\"code\":\"{code}\"", answer.ToString(), StringComparison.Ordinal);
    }
}
