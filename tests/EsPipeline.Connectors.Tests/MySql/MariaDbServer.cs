using System.Diagnostics;
using System.Globalization;
using System.Net;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>A MariaDB server: one that runs already, or one of the tests' own that may be killed.</summary>
public sealed class MariaDbServer : IAsyncDisposable
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(3);

    private readonly string[] _arguments;
    private readonly string _folder;
    private Process? _process;
    private string? _zone;

    private MariaDbServer(MySqlOptions options, string folder, params string[] arguments) =>
        (Options, _folder, _arguments) = (options, folder, arguments);

    /// <summary>How to sign in as a user who may do everything; without a database and a table.</summary>
    public MySqlOptions Options { get; }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint => new(IPAddress.Loopback, Options.Port);

    /// <summary>True where a server can be started here.</summary>
    public static bool IsInstalled => Find("mariadbd") is not null && Find("mariadb-install-db") is not null;

    /// <summary>The server at an address such as <c>mysql://user:password@127.0.0.1:3306/database</c>.</summary>
    public static MariaDbServer At(Uri address)
    {
        var user = address.UserInfo.Split(':');
        var options = new MySqlOptions
        {
            Host = address.Host,
            Port = address.Port,
            User = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? new Secret(Uri.UnescapeDataString(user[1])) : null,
        };
        return new MariaDbServer(options, "");
    }

    /// <summary>Starts a server with data of its own.</summary>
    /// <param name="ct">Ends the wait for it.</param>
    /// <param name="arguments">Arguments of <c>mariadbd</c>.</param>
    public static Task<MariaDbServer> StartAsync(CancellationToken ct, params string[] arguments) => StartInAsync(null, ct, arguments);

    /// <summary>Starts a server with data of its own on a machine whose clock shows a zone's time.</summary>
    /// <param name="zone">The zone as the variable <c>TZ</c> has it; null for this machine's.</param>
    /// <param name="ct">Ends the wait for it.</param>
    /// <param name="arguments">Arguments of <c>mariadbd</c>.</param>
    public static async Task<MariaDbServer> StartInAsync(string? zone, CancellationToken ct, params string[] arguments)
    {
        Conformance.TestServers.Need(IsInstalled, "MariaDB is not installed here (apt-get install mariadb-server).");
        var data = Directory.CreateTempSubdirectory("espipe-mariadb-").FullName;
        var options = new MySqlOptions { Port = Conformance.ServerPort.Find(), User = "root" };
        var server = new MariaDbServer(options, data, arguments) { _zone = zone };
        await RunAsync(
            "mariadb-install-db", "--no-defaults", $"--user={Environment.UserName}", $"--datadir={data}", "--auth-root-authentication-method=normal",
            "--skip-test-db", "--innodb-log-file-size=8M");
        await server.LaunchAsync(ct);
        return server;
    }

    /// <summary>Starts it again after <see cref="Kill"/>.</summary>
    public async Task LaunchAsync(CancellationToken ct)
    {
        var start = new ProcessStartInfo(Find("mariadbd")!)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        string[] arguments =
        [
            "--no-defaults", $"--user={Environment.UserName}", $"--datadir={_folder}", "--bind-address=127.0.0.1",
            string.Create(CultureInfo.InvariantCulture, $"--port={Options.Port}"),
            string.Create(CultureInfo.InvariantCulture, $"--socket={Path.GetTempPath()}espipe-test-{Options.Port}.sock"), $"--pid-file={Path.Combine(_folder, "pid")}",
            "--skip-name-resolve", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=128M", .. _arguments,
        ];
        if (_zone is not null) start.Environment["TZ"] = _zone;
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await ReadyAsync(ct);
    }

    /// <summary>Ends the process at once, as a crash would.</summary>
    public void Kill()
    {
        _process!.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Runs statements as the user who may do everything, one after the other on one connection.</summary>
    public async Task ExecuteAsync(params string[] statements)
    {
        await using var connection = await ConnectAsync();
        await connection.RunAsync(
            session =>
            {
                foreach (var statement in statements) session.Execute(statement);
                return true;
            },
            CancellationToken.None);
    }

    /// <summary>The rows of a query.</summary>
    public async Task<IReadOnlyList<string?[]>> RowsAsync(string query)
    {
        await using var connection = await ConnectAsync();
        return await connection.RunAsync(session => session.Rows(query), CancellationToken.None);
    }

    /// <summary>A connection of the tests' own.</summary>
    internal Task<MySqlConnection> ConnectAsync() =>
        MySqlConnection.OpenAsync(Options, SessionUse.Read, Options.Timeout, TimeProvider.System, NullLogger.Instance, CancellationToken.None);

    public ValueTask DisposeAsync()
    {
        if (_process is not null) Kill();
        if (_folder.Length > 0) Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    // It answers some moments after it was started; nothing but asking tells when.
    private async Task ReadyAsync(CancellationToken ct)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < LongestStart)
        {
            try
            {
                await ExecuteAsync("SELECT 1");
                return;
            }
            catch (PipelineException e) when (e.Kind == FailureKind.Transient)
            {
                Assert.False(_process!.HasExited, "mariadbd has ended instead of listening.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
        }

        Assert.Fail($"mariadbd did not answer within {LongestStart.TotalSeconds} s.");
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Find(program)!, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} failed: {error}{await output}");
    }

    // Servers lie where an ordinary user's PATH does not lead.
    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/local/sbin").Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
}
