using System.Diagnostics;
using System.Globalization;
using System.Text;
using EsPipeline.Connectors.Tests.MySql;

namespace EsPipeline.Chaos;

/// <summary>A database of one test in MariaDB with the table <c>docs</c>, spoken to by the server's own client without any of the code under test.</summary>
internal sealed class MariaDbTable : IAsyncDisposable
{
    private readonly MariaDbServer _server;
    private readonly string _database = $"chaos_{Guid.NewGuid():N}"[..20];

    private MariaDbTable(MariaDbServer server) => _server = server;

    /// <summary>The options of espipe for this table; the password is in <see cref="Environment"/>.</summary>
    public string[] Options =>
    [
        "--db-host", _server.Options.Host, "--db-port", Port, "--db-user", _server.Options.User, "--db-name", _database, "--db-table", "docs",
    ];

    /// <summary>The database.</summary>
    public string Database => _database;

    /// <summary>The server's port.</summary>
    public string Port => _server.Options.Port.ToString(CultureInfo.InvariantCulture);

    /// <summary>What espipe has to find in its environment.</summary>
    public (string Name, string Value) Environment => ("DB_PASSWORD", _server.Options.Password?.Reveal() ?? "");

    /// <summary>Makes a database on the server that the tests share.</summary>
    public static Task<MariaDbTable> CreateAsync() =>
        CreateAsync(MariaDbServer.At(new Uri(TestServers.Address("ESPIPE_TEST_MYSQL_URL", "MariaDB"))));

    /// <summary>Makes a database on a server.</summary>
    public static async Task<MariaDbTable> CreateAsync(MariaDbServer server)
    {
        var table = new MariaDbTable(server);
        await table.RunAsync($"CREATE DATABASE {table._database} CHARACTER SET utf8mb4", "");
        return table;
    }

    /// <summary>Runs statements.</summary>
    /// <returns>The rows, their values with tabs between them.</returns>
    public Task<string[]> ExecuteAsync(string sql) => RunAsync(sql, _database);

    /// <summary>Everything that is in a table of keys and documents.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReadAllAsync()
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in await ExecuteAsync("SELECT HEX(id),HEX(content) FROM docs"))
        {
            var values = row.Split('\t');
            found.Add(Text(values[0]), Text(values[1]));
        }

        return found;

        static string Text(string hex) => Encoding.UTF8.GetString(Convert.FromHexString(hex));
    }

    public async ValueTask DisposeAsync() => await RunAsync($"DROP DATABASE {_database}", "");

    private async Task<string[]> RunAsync(string sql, string database)
    {
        var start = new ProcessStartInfo("mariadb")
        {
            ArgumentList =
            {
                "--no-defaults", "--protocol=tcp", $"--host={_server.Options.Host}", $"--port={Port}", $"--user={_server.Options.User}",
                "--default-character-set=utf8mb4", "--batch", "--skip-column-names", "--quick", $"--execute={sql}", database,
            },
            Environment = { ["MYSQL_PWD"] = Environment.Value },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{Document.Short(sql, 200)}: {await errors}");
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
