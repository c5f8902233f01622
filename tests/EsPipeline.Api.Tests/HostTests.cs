using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Api.Tests;

/// <summary>Who is served, how much, and what everybody gets to hear who is not.</summary>
public sealed class HostTests(SearchServer search)
{
    private const string Key = "first-key-of-the-tests";
    private static readonly Uri Nowhere = new("http://127.0.0.1:1");

    [Fact]
    public async Task Health_tells_whether_the_search_server_answers()
    {
        await using var well = await ApiServer.StartAsync(search);
        var health = await well.GetAsync("health");
        Assert.Equal("ok", health.GetProperty("status").GetString());
        Assert.StartsWith("Elasticsearch", health.GetProperty("search_server").GetString(), StringComparison.Ordinal);

        await using var alone = await ApiServer.StartAsync(Nowhere);
        using var response = await alone.Http.GetAsync("health", SearchServer.Ct);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("unavailable", await response.Content.ReadAsStringAsync(SearchServer.Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_error_is_a_problem_without_the_inside()
    {
        await using var api = await ApiServer.StartAsync(Nowhere);
        await api.RefusedAsync(HttpMethod.Get, "no/such/path", 404, "api.no_such_path");
        await api.RefusedAsync(HttpMethod.Get, "search", 405, "api.wrong_method");
        await api.RefusedAsync(HttpMethod.Get, "indices?size=1", 400, "api.bad_request");
        await api.RefusedAsync(HttpMethod.Get, "api/label_counts?top=many", 400, "api.bad_request");
        await api.RefusedAsync(HttpMethod.Get, "api/pipeline/nothing", 404, "api.no_such_job");
        await api.RefusedAsync(HttpMethod.Get, "api/pipeline/..%2f..%2fetc", 404, "api.no_such_job");
        var (_, body) = await api.AskAsync(HttpMethod.Get, "indices");
        Assert.Equal("api.backend_unavailable", body.GetProperty("code").GetString());
        Assert.DoesNotContain("127.0.0.1", body.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("elasticsearch.", body.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_keys_data_needs_one_and_pages_do_not()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { Keys = new Secret($"{Key}, second-key-of-the-tests") });
        await api.RefusedAsync(HttpMethod.Get, "indices", 401, "api.key_needed");
        foreach (var page in (string[])["", "pipeline", "docs", "openapi.json", "health"])
        {
            using var response = await api.Http.GetAsync(page, SearchServer.Ct);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        api.Http.DefaultRequestHeaders.Add("X-API-Key", "first-key-of-the-test");
        await api.RefusedAsync(HttpMethod.Get, "indices", 401, "api.key_needed");
        foreach (var key in (string[])[Key, "second-key-of-the-tests"])
        {
            api.Http.DefaultRequestHeaders.Remove("X-API-Key");
            api.Http.DefaultRequestHeaders.Add("X-API-Key", key);
            await api.GetAsync("indices");
        }
    }

    [Fact]
    public async Task Without_keys_only_this_machine_is_served_under_its_own_name()
    {
        var mine = Dns.GetHostAddresses(Dns.GetHostName()).FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));
        TestServers.Need(mine is not null, "This machine has no address besides loopback.");
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { Host = "*" });
        using var local = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{api.Address.Port}") };
        using var served = await local.GetAsync("health", SearchServer.Ct);
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);

        using var remote = new HttpClient { BaseAddress = new Uri($"http://{mine}:{api.Address.Port}") };
        using var refused = await remote.GetAsync("health", SearchServer.Ct);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("api.loopback_only", await refused.Content.ReadAsStringAsync(SearchServer.Ct), StringComparison.Ordinal);

        // A name that somebody has point to this machine.
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "health");
        rebound.Headers.Host = "attacker.example";
        using var answer = await local.SendAsync(rebound, SearchServer.Ct);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData("Forwarded", "for=203.0.113.7")]
    [InlineData("Via", "1.1 proxy")]
    [InlineData("X-Real-IP", "203.0.113.7")]
    [InlineData("x-forwarded-for", "127.0.0.1")]
    [InlineData("X-Forwarded-Proto", "")]
    public async Task Without_keys_nobody_is_served_through_a_proxy_on_this_machine(string name, string value)
    {
        await using var open = await ApiServer.StartAsync(Nowhere);
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(open));
        await using var closed = await ApiServer.StartAsync(Nowhere, new ApiOptions { Keys = new Secret(Key) });
        closed.Http.DefaultRequestHeaders.Add("X-API-Key", Key);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(closed));

        async Task<HttpStatusCode> StatusAsync(ApiServer api)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "api/pipeline");
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
            using var response = await api.Http.SendAsync(request, SearchServer.Ct);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task More_requests_than_allowed_are_told_when_to_come_back()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { RateLimit = 1 });
        (await api.Http.GetAsync("docs", SearchServer.Ct)).Dispose();
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => api.Http.GetAsync("docs", SearchServer.Ct)));
        var refused = answers.Where(a => a.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        
        // Two seconds' worth is allowed at once, less the one before, and one more for each second that these take.
        Assert.InRange(refused.Length, 20, 39);
        Assert.All(refused, r => Assert.True(r.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1)));
        foreach (var answer in answers) answer.Dispose();
    }

    [Fact]
    public async Task One_key_does_not_use_up_what_another_may_ask()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { RateLimit = 1, Keys = new Secret($"{Key}, second-key-of-the-tests") });
        var first = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => StatusAsync(Key)));
        Assert.Contains(HttpStatusCode.TooManyRequests, first);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("second-key-of-the-tests"));

        // Whoever guesses keys is counted by his address, however many he tries.
        var guesses = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => StatusAsync($"a-guess-of-the-tests-{i}")));
        Assert.Contains(HttpStatusCode.TooManyRequests, guesses);
        Assert.DoesNotContain(HttpStatusCode.OK, guesses);

        async Task<HttpStatusCode> StatusAsync(string key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "api/pipeline");
            request.Headers.Add("X-API-Key", key);
            using var response = await api.Http.SendAsync(request, SearchServer.Ct);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Answers_carry_headers_that_keep_browsers_safe()
    {
        await using var api = await ApiServer.StartAsync(search);
        using var response = await api.Http.GetAsync("", SearchServer.Ct);
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("DENY", response.Headers.GetValues("X-Frame-Options").Single());
        Assert.Equal("no-referrer", response.Headers.GetValues("Referrer-Policy").Single());
        Assert.False(response.Headers.Contains("Server"));
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Nothing_but_the_pages_own_files_is_kept_by_anyone_in_between()
    {
        var index = await search.CreateIndexAsync("""{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}""", ["{}"]);
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { Keys = new Secret(Key), CountsIndex = index });
        await KeptAsync("no-store", "indices", "health", "openapi.json");
        await KeptAsync("no-cache", "", "pipeline", "assets/common.js");
        api.Http.DefaultRequestHeaders.Add("X-API-Key", Key);
        await KeptAsync(
            "no-store", "indices", $"indices/{index}/fields", $"search/{index}/scroll", "api/label_counts", "api/count_specific?label=a", "api/timeline", "api/pipeline", "api/pipeline/none", "none", "search");

        async Task KeptAsync(string expected, params string[] paths)
        {
            foreach (var path in paths)
            {
                using var response = await api.Http.GetAsync(path, SearchServer.Ct);
                Assert.True(response.Headers.CacheControl?.ToString() == expected, $"{path}: {response.Headers.CacheControl}");
            }
        }
    }

    [Fact]
    public async Task Only_named_origins_may_call_from_a_browser()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CorsOrigins = ["https://app.example"], Keys = new Secret(Key) });
        Assert.Equal("https://app.example", await AllowedAsync("https://app.example"));
        Assert.Null(await AllowedAsync("https://other.example"));

        async Task<string?> AllowedAsync(string origin)
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, "search");
            request.Headers.Add("Origin", origin);
            request.Headers.Add("Access-Control-Request-Method", "POST");
            request.Headers.Add("Access-Control-Request-Headers", "x-api-key,content-type");
            using var response = await api.Http.SendAsync(request, SearchServer.Ct);
            return response.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? values.Single() : null;
        }
    }

    [Fact]
    public async Task Bodies_are_limited_in_size_depth_and_kind()
    {
        await using var api = await ApiServer.StartAsync(search);
        await api.RefusedAsync(HttpMethod.Post, "search", 413, "api.body_too_large", $$"""{"index":"{{new string('x', 10 << 20)}}"}""");
        await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_json", string.Concat(Enumerable.Repeat("{\"a\":", 65)) + "1" + new string('}', 65));
        await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_json", """{"index":"a","index":"b"}""");
        await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_json", """{"index":"a" """);
        using var form = new StringContent("""{"index":"a"}""", Encoding.UTF8, "text/plain");
        using var response = await api.Http.PostAsync("search", form, SearchServer.Ct);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task A_search_server_that_does_not_answer_costs_no_more_than_the_timeout()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var api = await ApiServer.StartAsync(new Uri($"http://{silent.LocalEndpoint}"), new ApiOptions { Timeout = TimeSpan.FromMilliseconds(300) });
        await api.RefusedAsync(HttpMethod.Get, "indices", 504, "api.timed_out");
    }

    [Fact]
    public async Task With_a_certificate_it_speaks_tls_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await File.WriteAllTextAsync(folder.File("cert.pem"), certificate.ExportCertificatePem(), SearchServer.Ct);
        await File.WriteAllTextAsync(folder.File("key.pem"), key.ExportPkcs8PrivateKeyPem(), SearchServer.Ct);
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CertificateFile = folder.File("cert.pem"), CertificateKeyFile = folder.File("key.pem") });
        Assert.Equal("https", api.Address.Scheme);
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString();
        using var client = new HttpClient(handler) { BaseAddress = api.Address };
        using var response = await client.GetAsync("health", SearchServer.Ct);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(response.Headers.Contains("Strict-Transport-Security"));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync($"http://127.0.0.1:{api.Address.Port}/health", SearchServer.Ct));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said_so()
    {
        await using var api = await ApiServer.StartAsync(search);
        using var folder = new TemporaryFolder();
        var error = await Assert.ThrowsAsync<PipelineException>(() => ApiHost.StartAsync(
            new ApiOptions { Port = api.Address.Port }, new ElasticsearchSearchOptions(), new FileStateStore(folder.Path, TimeProvider.System), NullLoggerFactory.Instance, TimeProvider.System, SearchServer.Ct));
        Assert.Equal("api.cannot_listen", error.Code);
    }
}
