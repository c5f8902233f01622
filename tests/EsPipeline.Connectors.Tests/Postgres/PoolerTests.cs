using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Through pgbouncer.</summary>
public sealed class PoolerTests(SharedPostgres shared)
{
    private const string Program = "/usr/sbin/pgbouncer";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("session", true)]
    [InlineData("transaction", false)]
    [InlineData("statement", false)]
    public async Task Only_a_pooler_that_keeps_a_session_for_each_connection_is_taken(string mode, bool isTaken)
    {
        TestServers.Need(File.Exists(Program), $"{Program} is not installed.");
        var server = await shared.GetAsync();
        await using var pooler = await Pooler.StartAsync(server, mode);
        var options = new PostgresOptions { Host = "127.0.0.1", Port = pooler.Port, User = server.User, Table = "pooled" };
        await using (var sink = new PostgresSink(options, new RunOptions(), TimeProvider.System))
        {
            var health = await Health.OfAsync(sink);
            Assert.Equal(isTaken ? null : PostgresErrors.TransactionPooling, health.Problem?.Error);
        }

        await using (var source = new PostgresSource(
            new PostgresSourceOptions { Host = "127.0.0.1", Port = pooler.Port, User = server.User, Key = ["a"] }, new RunOptions { Query = "SELECT 1 AS a", Mode = RunMode.Custom }, TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<PostgresSource>.Instance))
        {
            var health = await Health.OfAsync(source);
            Assert.Equal(isTaken ? null : PostgresErrors.TransactionPooling, health.Problem?.Error);
        }

        // Nothing was set for whoever comes next.
        if (!isTaken) Assert.Equal("off", await pooler.AskAsync("SHOW default_transaction_read_only", Ct));
    }

    private sealed class Pooler(Process process, PostgresServer server, int port, string folder) : IAsyncDisposable
    {
        public int Port => port;

        public static async Task<Pooler> StartAsync(PostgresServer server, string mode)
        {
            var folder = Directory.CreateTempSubdirectory("espipe-pgbouncer-").FullName;
            var port = ServerPort.Find();
            var file = Path.Combine(folder, "pgbouncer.ini");
            await File.WriteAllTextAsync(file, $"""
                [databases]
                * = host={server.Host} port={server.Port} user={server.User}
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = {port}
                auth_type = any
                pool_mode = {mode}
                unix_socket_dir =
                """, Ct);

            // It refuses to run as root.
            string[] command = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", Program, "-q", file] : [Program, "-q", file];
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
            var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardError = true, WorkingDirectory = "/" })!;
            while (!process.HasExited)
            {
                try
                {
                    using var client = new TcpClient();
                    await client.ConnectAsync(IPAddress.Loopback, port, Ct);
                    break;
                }
                catch (SocketException)
                {
                    await Task.Delay(20, Ct);
                }
            }

            Assert.False(process.HasExited);
            return new Pooler(process, server, port, folder);
        }

        public async Task<string?> AskAsync(string sql, CancellationToken ct)
        {
            await using var connection = new Npgsql.NpgsqlConnection($"Host=127.0.0.1;Port={port};Username={server.User};Database=postgres;Pooling=false");
            await connection.OpenAsync(ct);
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            return (string?)await command.ExecuteScalarAsync(ct);
        }

        public async ValueTask DisposeAsync()
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }
}
