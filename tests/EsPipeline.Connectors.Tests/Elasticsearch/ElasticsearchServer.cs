using System.Diagnostics;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Which of the two servers.</summary>
public enum ServerKind
{
    Elasticsearch,
    OpenSearch,
}

/// <summary>
/// A real server: one that was named in the environment, or one that was started from the kit that lies beside the repository. A test that
/// finds neither is skipped and says so, or fails where <c>ESPIPE_TEST_REQUIRE=all</c>.
/// </summary>
internal sealed class ElasticsearchServer : IAsyncDisposable
{
    private const string Ready = "ready on port ";

    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(4);

    private readonly string _script;
    private readonly string _data;
    private readonly ServerStart _start;
    private Process? _process;

    private ElasticsearchServer(ServerKind kind, string script, ServerStart start)
    {
        (Kind, _script, _start) = (kind, script, start);
        _data = Directory.CreateTempSubdirectory("espipe-server-").FullName;
        Address = new Uri("http://127.0.0.1:1/");
        Http = new HttpClient();
    }

    private ElasticsearchServer(ServerKind kind, Uri address)
    {
        (Kind, _script, _data, _start, Address) = (kind, "", "", new ServerStart(), address);
        Http = new HttpClient { BaseAddress = address };
    }

    public ServerKind Kind { get; }

    /// <summary>Where it answers.</summary>
    public Uri Address { get; private set; }

    /// <summary>A client of its own, signed in as whoever may do everything.</summary>
    public HttpClient Http { get; private set; }

    /// <summary>The server that the environment names, or one that is started.</summary>
    public static async Task<ElasticsearchServer> FindAsync(ServerKind kind, CancellationToken ct) =>
        Environment.GetEnvironmentVariable($"ESPIPE_TEST_{kind.ToString().ToUpperInvariant()}_URL") is { Length: > 0 } url
            ? new ElasticsearchServer(kind, new Uri(url))
            : await StartAsync(kind, ct);

    /// <summary>Starts a server of one's own, which may be killed.</summary>
    public static async Task<ElasticsearchServer> StartAsync(ServerKind kind, CancellationToken ct, ServerStart? start = null)
    {
        var script = KitScript(kind);
        if (script is null)
        {
            var reason = $"There is no {kind} to start: no shared/{kind.ToString().ToLowerInvariant()}/start beside the repository.";
            if (Environment.GetEnvironmentVariable("ESPIPE_TEST_REQUIRE") == "all") Assert.Fail(reason);
            Assert.Skip(reason);
        }

        var server = new ElasticsearchServer(kind, script, start ?? new ServerStart());
        try
        {
            await server.RunAsync(Conformance.ServerPort.Find(), ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it at once, as a crash does.</summary>
    public async Task KillAsync(CancellationToken ct)
    {
        _process!.Kill();
        await _process.WaitForExitAsync(ct);
        _process.Dispose();
        _process = null;
    }

    /// <summary>Starts it again on the same data and the same port.</summary>
    public Task StartAgainAsync(CancellationToken ct) => RunAsync(Address.Port, ct);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_process is not null) await KillAsync(CancellationToken.None);
        if (_data.Length > 0) Directory.Delete(_data, recursive: true);
    }

    private static string? KitScript(ServerKind kind)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var script = Path.Combine(folder.FullName, "shared", kind.ToString().ToLowerInvariant(), "start");
            if (File.Exists(script)) return script;
        }

        return null;
    }

    private async Task RunAsync(int port, CancellationToken ct)
    {
        var start = new ProcessStartInfo(_script) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments = ["--port", $"{port}", "--data", _data, "--heap", "512m", .. _start.Tls is { } tls ? ["--tls", tls.Certificate, tls.Key] : Array.Empty<string>(), .. _start.Settings];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        if (_start.Password is not null) start.Environment["ELASTIC_PASSWORD"] = _start.Password;
        var ready = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is null) ready.TrySetException(new InvalidOperationException($"{_script} ended before it was ready."));
            else if (e.Data.StartsWith(Ready, StringComparison.Ordinal)) ready.TrySetResult(int.Parse(e.Data[Ready.Length..]));
        };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var answered = await ready.Task.WaitAsync(LongestStart, ct);
        Address = new Uri($"{(_start.Tls is null ? "http" : "https")}://localhost:{answered}/");
        Http.Dispose();
        Http = new HttpClient(Trusting(_start.Authority)) { BaseAddress = Address };
        if (_start.Password is { } password)
        {
            Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"elastic:{password}")));
            await KnowsUsersAsync(ct);
        }
    }

    // A new server writes its own roles into an index of its own soon after it has started. Until that index is there as a whole it knows
    // no user, not even the first.
    private async Task KnowsUsersAsync(CancellationToken ct)
    {
        using var longest = CancellationTokenSource.CreateLinkedTokenSource(ct);
        longest.CancelAfter(LongestStart);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        do
        {
            using var answer = await Http.GetAsync(new Uri("_cluster/health/.security-7?wait_for_active_shards=1&timeout=30s", UriKind.Relative), longest.Token);
            if (answer.IsSuccessStatusCode) return;
        }
        while (await timer.WaitForNextTickAsync(longest.Token));
    }

    private static SocketsHttpHandler Trusting(string? certificate)
    {
        var handler = new SocketsHttpHandler();
        if (certificate is null) return handler;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(certificate);
        handler.SslOptions.CertificateChainPolicy = policy;
        return handler;
    }
}

/// <summary>How a server is started.</summary>
internal sealed record ServerStart
{
    /// <summary>Settings, as in its configuration file.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The password of the user elastic, which turns security on; null for none.</summary>
    public string? Password { get; init; }

    /// <summary>PEM files of a certificate and its key, which turn TLS on.</summary>
    public (string Certificate, string Key)? Tls { get; init; }

    /// <summary>PEM file of who has signed it.</summary>
    public string? Authority { get; init; }
}
