using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Cli.Tests;

/// <summary><c>espipe serve</c> as a process: what its environment says, and what it says when something is wrong.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly EspipeFolder _folder = new();
    private readonly HttpClient _http = new();
    private readonly string _index = $"serve-{Guid.NewGuid():n}";

    public ServeTests() => _folder.Environment["ESPIPE_API_PORT"] = "0";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_signal_ends_it_after_the_answers_under_way()
    {
        await using var proxy = TcpProxy.InFrontOf(TestServers.Elasticsearch);
        await SeedAsync();
        using var served = Serve(proxy);
        var address = await served.AddressAsync();
        Assert.Contains("\"/search\"", await _http.GetStringAsync(new Uri(address, "openapi.json"), Ct), StringComparison.Ordinal);
        proxy.Stall();
        var asked = proxy.Connections;
        var searching = SearchAsync(address);
        await served.UntilAsync(() => proxy.Connections > asked, "a search was under way");
        Assert.False(searching.IsCompleted);
        served.Signal(PosixSignalNumber.Terminate);
        proxy.Resume();
        Assert.Equal(HttpStatusCode.OK, (await searching).Status);
        var ended = (await served.EndAsync()).Ended(143);
        Assert.Equal($"espipe serves {address}\n", ended.Output);
        await DropAsync();
    }

    [Fact]
    public async Task A_search_server_that_is_down_is_said_so_and_found_again()
    {
        await using var proxy = TcpProxy.InFrontOf(TestServers.Elasticsearch);
        await SeedAsync();
        await proxy.DownAsync();
        using var served = Serve(proxy);
        var address = await served.AddressAsync();
        for (var outage = 0; outage < 2; outage++)
        {
            await served.UntilAsync(() => !IsHealthy(address), "it said that it is not well");
            var (status, type, body) = await SearchAsync(address);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "application/problem+json"), (status, type));
            Assert.Equal("api.backend_unavailable", body.GetProperty("code").GetString());
            Assert.DoesNotContain($"{proxy.EndPoint.Port}", body.ToString(), StringComparison.Ordinal);
            proxy.Up();
            await served.UntilAsync(() => IsHealthy(address), "it said that it is well");
            Assert.Equal(HttpStatusCode.OK, (await SearchAsync(address)).Status);
            await proxy.DownAsync();
        }

        await DropAsync();
    }

    [Fact]
    public async Task Rules_of_the_environment_hold()
    {
        await SeedAsync();
        _folder.Environment["ESPIPE_API_INDICES"] = "serve-*";
        _folder.Environment["ESPIPE_API_DENY_FIELDS"] = "secret";
        _folder.Environment["ESPIPE_API_KEYS"] = "0123456789abcdef,fedcba9876543210";
        using var served = Serve();
        var address = await served.AddressAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await SearchAsync(address)).Status);
        _http.DefaultRequestHeaders.Add("X-API-Key", "fedcba9876543210");
        var (status, _, found) = await SearchAsync(address);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\"n\":1", found.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", found.ToString(), StringComparison.Ordinal);
        Assert.Equal("api.no_such_field", (await SearchAsync(address, "\"query_fields\":{\"secret\":\"hidden\"}")).Body.GetProperty("code").GetString());
        Assert.Equal("api.no_such_index", (await SearchAsync(address, index: "other")).Body.GetProperty("code").GetString());
        served.Signal(PosixSignalNumber.Terminate);
        var ended = (await served.EndAsync()).Ended(143);
        Assert.DoesNotContain("fedcba", ended.Said, StringComparison.Ordinal);
        await DropAsync();
    }

    [Fact]
    public async Task Without_keys_only_this_machine_is_served()
    {
        _folder.Environment["ESPIPE_API_HOST"] = "*";
        using var served = Serve();
        var port = (await served.AddressAsync()).Port;
        await served.UntilErrorAsync("only requests from this machine are served");
        var addresses = NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses).Select(a => a.Address)
            .Where(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a)).ToArray();
        foreach (var host in addresses.Select(a => a.ToString()).Append("127.0.0.1"))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{host}:{port}/indices");
            if (host == "127.0.0.1") request.Headers.Host = "rebound.example";
            using var answer = await _http.SendAsync(request, Ct);
            Assert.Equal((host, HttpStatusCode.Forbidden), (host, answer.StatusCode));
        }
    }

    [Fact]
    public async Task It_speaks_tls_with_the_files_that_it_is_given_and_says_what_is_wrong_with_others()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
        _folder.Environment["ESPIPE_API_CERT"] = _folder.Write("cert.pem", certificate.ExportCertificatePem());
        _folder.Environment["ESPIPE_API_CERT_KEY"] = _folder.Write("key.pem", key.ExportPkcs8PrivateKeyPem());
        using (var served = Serve())
        {
            var address = await served.AddressAsync();
            Assert.Equal("https", address.Scheme);
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString();
            using var client = new HttpClient(handler);
            using var answer = await client.GetAsync(new Uri(address, "docs"), Ct);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using var another = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var wrong in new[] { "no key at all", another.ExportPkcs8PrivateKeyPem() })
        {
            _folder.Write("key.pem", wrong);
            var refused = (await _folder.RunAsync("serve")).Ended(1);
            Assert.Contains("(api.bad_certificate)", Assert.Single(refused.Complaints), StringComparison.Ordinal);
        }

        File.Delete(_folder.File("key.pem"));
        Assert.Contains("there is no file", Assert.Single((await _folder.RunAsync("serve")).Ended(2).Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_clear_error()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var refused = (await _folder.RunAsync("serve", "--api-port", $"{port}")).Ended(1);
        Assert.Contains($"127.0.0.1 port {port}", Assert.Single(refused.Complaints), StringComparison.Ordinal);
        Assert.Contains("(api.cannot_listen)", refused.Complaints[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_service_type_chooses_what_is_done_without_a_command()
    {
        _folder.Environment["SERVICE_TYPE"] = "api";
        using (var served = Start([]))
        {
            await served.AddressAsync();
            served.Signal(PosixSignalNumber.Interrupt);
            (await served.EndAsync()).Ended(130);
        }

        CsvCopy.Write(_folder, 10);
        _folder.Environment["SERVICE_TYPE"] = "sync";
        Assert.Contains("written 10", (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0).Output, StringComparison.Ordinal);
        _folder.Environment["SERVICE_TYPE"] = "web";
        Assert.Contains("SERVICE_TYPE", Assert.Single((await _folder.RunAsync(CsvCopy.Arguments())).Ended(2).Complaints), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    private EspipeProcess Serve(TcpProxy? proxy = null)
    {
        _folder.Environment["ES_HOST_URL"] = (proxy?.Of(TestServers.Elasticsearch) ?? TestServers.Elasticsearch).ToString();
        return Start(["serve"]);
    }

    private EspipeProcess Start(string[] arguments) => _folder.Start(new EspipeStart { Interruptible = true }, arguments);

    // What it says is up to a second old.
    private bool IsHealthy(Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "health"));
        using var health = _http.Send(request, Ct);
        return health.StatusCode == HttpStatusCode.OK;
    }

    private async Task<(HttpStatusCode Status, string? Type, JsonElement Body)> SearchAsync(Uri address, string more = "\"size\":10", string? index = null)
    {
        using var body = new StringContent($$"""{"index":"{{index ?? _index}}",{{more}}}""", Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(new Uri(address, "search"), body, Ct);
        return (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Ct)));
    }

    private async Task SeedAsync()
    {
        using var document = new StringContent("""{"n":1,"secret":"hidden"}""", Encoding.UTF8, "application/json");
        using var answer = await _http.PutAsync(new Uri(TestServers.Elasticsearch, $"{_index}/_doc/a?refresh=true"), document, Ct);
        Assert.True(answer.IsSuccessStatusCode);
    }

    private async Task DropAsync()
    {
        using var answer = await _http.DeleteAsync(new Uri(TestServers.Elasticsearch, _index), Ct);
    }
}
