using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Cli.Tests;

/// <summary>A password that needs encoding everywhere is given in every place where one can be given, and looked for in all that is left.</summary>
public sealed class SecretTests : IDisposable
{
    private const string Secret = "S3cr3t!%40/:?#";

    // The password as it might have been written into a URL, JSON or a header. The first letters are in all of them.
    private const string Trace = "S3cr3t";

    private static readonly string[][] Ways = [["--mode", "full-sync"], ["--mode", "health-check"], ["--config-check"]];

    private readonly EspipeFolder _folder = new();

    public static TheoryData<string> Credentials => [.. OptionSamples.All.Values.Where(o => o.IsSecret).Select(o => o.DisplayName)];

    [Theory]
    [MemberData(nameof(Credentials))]
    public async Task A_credential_is_shown_nowhere_wherever_it_was_given(string name)
    {
        var option = OptionSamples.All[name];
        var system = OptionSamples.EndsThatUse(option);
        string[] ends = ["--source", system["--source"], "--sink", system["--sink"], "--log-level", "debug", "--max-retries", "0"];
        foreach (var environmentName in option.Environment)
        {
            SetEnvironment(environmentName);
            foreach (var more in Ways) await RunsSilentlyAsync([.. ends, .. more], $"{environmentName} in the environment");
            _folder.Environment.Remove(environmentName);
            _folder.Write(".env", $"{environmentName}='{Secret}'\n");
            await RunsSilentlyAsync([.. ends, "--mode", "full-sync"], $"{environmentName} in the .env file");
            File.Delete(_folder.File(".env"));
        }

        if (option.Name.Length == 0) return;
        SetEnvironment(null);
        if (option.Name.EndsWith("-pass", StringComparison.Ordinal)) SetUser();
        foreach (var more in Ways) await RunsSilentlyAsync([.. ends, .. more, option.Name, Secret], $"{option.Name} on the command line");
    }

    [Fact]
    public async Task A_password_in_an_address_is_shown_nowhere()
    {
        SetEnvironment(null);
        _folder.Environment["ES_HOST_URL"] = $"http://user:{Uri.EscapeDataString(Secret)}@127.0.0.1:{ClosedPort()}";
        foreach (var more in Ways)
        {
            await RunsSilentlyAsync(["--source", "elasticsearch", "--sink", "jsonl", "--log-level", "debug", "--max-retries", "0", .. more], "ES_HOST_URL");
        }
    }

    [Theory]
    [InlineData("http://elastic:" + Secret + "@localhost:1")]
    [InlineData("elastic:" + Secret + "@localhost:1")]
    [InlineData("http://elastic:1/" + Trace + "@localhost:1")]
    [InlineData("http://localhost:1,http://elastic:" + Secret + "@localhost:2")]
    public async Task A_password_in_an_address_is_shown_nowhere_though_it_was_written_as_it_should_not_be(string url)
    {
        SetEnvironment(null);
        string[] ends = ["--source", "elasticsearch", "--sink", "jsonl", "--log-level", "debug", "--max-retries", "0"];
        foreach (var more in Ways) await RunsSilentlyAsync([.. ends, .. more, "--es-url", url], "--es-url");
        _folder.Environment["ES_HOST_URL"] = url;
        foreach (var more in Ways) await RunsSilentlyAsync([.. ends, .. more], "ES_HOST_URL");
    }

    [Theory]
    [InlineData("postgres://u:" + Secret + "@localhost:1/db")]
    [InlineData("postgres://u:1/" + Trace + "@localhost/db")]
    [InlineData("postgres://u:abc/" + Trace + "@localhost/db")]
    public async Task A_password_in_the_address_of_the_state_is_shown_nowhere(string state)
    {
        _folder.Write("in.csv", "id,v\n1,a\n");
        string[] ends = ["--source", "csv", "--csv-file", "in.csv", "--sink", "jsonl", "--output-file", "out.jsonl", "--simple-errors"];
        foreach (var more in Ways) await RunsSilentlyAsync([.. ends, .. more, "--state", state], "--state");
        await RunsSilentlyAsync(["status", "--state", state], "--state");
    }

    [Fact]
    public async Task A_credential_on_the_command_line_is_warned_of()
    {
        SetEnvironment(null);
        var run = await _folder.RunAsync("--source", "elasticsearch", "--sink", "jsonl", "--mode", "health-check", "--es-user", "user", "--es-pass", Secret);
        Assert.Contains("ELASTICSEARCH_PASSWORD in the environment or the .env file is safer", run.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    // What a run of any system needs besides, so that it comes as far as using the credential. Nothing listens where they are said to be.
    private void SetEnvironment(string? credential)
    {
        var port = ClosedPort();
        var given = new Dictionary<string, string>
        {
            ["OUTPUT_FILE"] = "out.jsonl",
            ["ES_HOST_URL"] = $"http://127.0.0.1:{port}",
            ["ES_INDEX"] = "orders",
            ["FIREBASE_PROJECT_ID"] = "project-of-tests",
            ["FIREBASE_COLLECTION"] = "orders",
            ["FIREBASE_CLIENT_EMAIL"] = "espipe@project-of-tests.iam.gserviceaccount.com",
            ["DB_HOST"] = "127.0.0.1",
            ["DB_PORT"] = $"{port}",
            ["DB_USER"] = "user",
            ["DB_NAME"] = "shop",
            ["DB_TABLE"] = "orders",
            ["PG_HOST"] = "127.0.0.1",
            ["PG_PORT"] = $"{port}",
            ["PG_USER"] = "user",
            ["PG_DATABASE"] = "shop",
            ["PG_TABLE"] = "orders",
            ["S3_ENDPOINT_URL"] = $"http://127.0.0.1:{port}",
            ["S3_BUCKET_NAME"] = "bucket",
            ["S3_ACCESS_KEY"] = "access",
            ["S3_SECRET_KEY"] = "a-secret-key",
        };
        _folder.Environment.Clear();
        foreach (var (name, value) in given)
        {
            _folder.Environment[name] = value;
            _folder.Environment["SINK_" + name] = value;
        }

        if (credential is null) return;
        if (credential.Contains("PASS", StringComparison.Ordinal)) SetUser();
        _folder.Environment[credential] = Secret;
    }

    private void SetUser() => _folder.Environment["ES_USER"] = _folder.Environment["SINK_ES_USER"] = "user";

    private async Task RunsSilentlyAsync(string[] arguments, string how)
    {
        var run = await _folder.RunAsync(arguments);
        Assert.False(run.Said.Contains(Trace, StringComparison.Ordinal), $"{how}: it is in what espipe said to '{string.Join(' ', arguments)}':\n{run.Said}");
        foreach (var (path, text) in _folder.AllFiles().Where(f => Path.GetFileName(f.Path) != ".env"))
        {
            Assert.False(text.Contains(Trace, StringComparison.Ordinal), $"{how}: it is in {path}.");
        }
    }

    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
