using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using EsPipeline.Cli.Metrics;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Cli.Tests.Metrics;

public sealed class MetricsEndpointTests : IDisposable
{
    private static readonly HttpClient Http = new();
    private readonly EspipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task While_a_run_waits_its_figures_are_what_it_has_done()
    {
        using var run = StartFromInput();
        var url = await AddressAsync(run);
        var rows = "id,n\n" + string.Concat(Enumerable.Range(0, 500_000).Select(i => $"k{i},{i}\n"));
        await run.Input.WriteAsync(rows.AsMemory(), TestContext.Current.CancellationToken);
        await run.Input.FlushAsync(TestContext.Current.CancellationToken);
        var figures = new Dictionary<string, double>();
        await run.UntilAsync(
            () =>
            {
                try
                {
                    figures = Figures(Http.GetStringAsync(url, TestContext.Current.CancellationToken).GetAwaiter().GetResult());
                }
                catch (HttpRequestException)
                {
                    // Where the run has ended, that is told with what it said.
                    return false;
                }

                // One figure is taken after the other, and while a batch is on its way they are not of one moment.
                return figures.Any(f => f.Key.Contains("outcome=\"written\"", StringComparison.Ordinal) && f.Value > 100_000)
                    && figures.Single(f => f.Key.StartsWith("espipe_records_unfinished", StringComparison.Ordinal)).Value == 0
                    && figures.Single(f => f.Key.StartsWith("espipe_records_read_total", StringComparison.Ordinal)).Value
                        == figures.Where(f => f.Key.StartsWith("espipe_records_done_total", StringComparison.Ordinal)).Sum(f => f.Value);
            },
            "something was written, nothing was left in flight, and all that was read is done");
        Assert.All(figures.Keys, k => Assert.Contains("sink=\"jsonl\",source=\"csv\"", k, StringComparison.Ordinal));
        Assert.Contains(figures.Keys, k => k.StartsWith("espipe_write_duration_seconds_bucket", StringComparison.Ordinal));
        Assert.Contains(figures, f => f.Key.Contains("phase=\"snapshot\"", StringComparison.Ordinal) && f.Value == 1);
        run.Input.Close();
        (await run.EndAsync()).Ended(0);
    }

    [Fact]
    public async Task Only_reading_metrics_is_answered_and_a_client_that_says_nothing_holds_up_no_other()
    {
        using var run = StartFromInput();
        var url = new Uri(await AddressAsync(run));
        using var silent = new TcpClient(url.Host, url.Port);
        Assert.StartsWith("HTTP/1.1 404 ", await AskAsync(url, "GET / HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 405 ", await AskAsync(url, "POST /metrics HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", await AskAsync(url, "hello\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", await AskAsync(url, $"GET /{new string('x', 9000)}"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(url, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), StringComparison.Ordinal);
        run.Input.Close();
        (await run.EndAsync()).Ended(0);
    }

    [Fact]
    public async Task Its_end_is_no_failure_whatever_it_is_doing()
    {
        for (var i = 0; i < 500; i++)
        {
            var endpoint = MetricsEndpoint.Start(System.Net.IPAddress.Loopback, 0, NullLogger.Instance);
            using var client = new TcpClient();
            await client.ConnectAsync(endpoint.Address, TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync("GET /metrics HTTP/1.1\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
            await endpoint.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_name_of_this_machine_is_an_address_and_no_rate_is_no_limit()
    {
        CsvCopy.Write(_folder, 10);
        _folder.Write(".env", "METRICS_HOST=localhost\nRATE_LIMIT=0\n");
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--metrics-port", "0"))).Ended(0);
        Assert.Contains("Metrics are at http://127.0.0.1:", run.Error, StringComparison.Ordinal);
        var slow = (await _folder.RunAsync(CsvCopy.Arguments("--rate-limit", "0.0001"))).Ended(2);
        Assert.StartsWith("espipe: --rate-limit: it is less than 0.001", Assert.Single(slow.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_one_clear_error()
    {
        CsvCopy.Write(_folder, 1);
        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--metrics-port", port.ToString(CultureInfo.InvariantCulture), "--simple-errors"))).Ended(1);
        Assert.StartsWith($"espipe: Metrics can't be shown at 127.0.0.1:{port}: ", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Contains($"ss -ltnp 'sport = :{port}'", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out.jsonl")));
    }

    private static async Task<string> AskAsync(Uri url, string request)
    {
        using var client = new TcpClient(url.Host, url.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        var answer = new byte[12];
        await stream.ReadExactlyAsync(answer, TestContext.Current.CancellationToken);
        return Encoding.ASCII.GetString(answer) + " ";
    }

    private static Dictionary<string, double> Figures(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(l => l[0] != '#').ToDictionary(l => l[..l.LastIndexOf(' ')], l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    private static async Task<string> AddressAsync(EspipeProcess run)
    {
        await run.UntilErrorAsync("Metrics are at ");
        return Regex.Match(run.ErrorSoFar, "Metrics are at (?<url>\\S+)", RegexOptions.None, TimeSpan.FromSeconds(1)).Groups["url"].Value;
    }

    private EspipeProcess StartFromInput() =>
        _folder.Start("--source", "csv", "--csv-file", "-", "--sink", "jsonl", "--output-file", "out.jsonl", "--metrics-port", "0");
}
