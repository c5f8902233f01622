using System.Diagnostics;
using System.Net;
using Npgsql;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>
/// A real server: one that the environment names (ESPIPE_TEST_POSTGRES_URL, postgres://user@host:port/database with wal_level=logical), or
/// one that is started from the installed programs, which may be stopped and killed.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Programs = "/usr/lib/postgresql";

    private readonly string? _folder;
    private readonly string _bin;

    private PostgresServer(string host, int port, string user, string? folder, string bin)
    {
        (Host, Port, User, _folder, _bin) = (host, port, user, folder, bin);
        Pool = NpgsqlDataSource.Create($"Host={host};Port={port};Username={user};Database=postgres;Application Name=test;Command Timeout=180;Include Error Detail=true");
    }

    public string Host { get; }

    public int Port { get; }

    public string User { get; }

    /// <summary>The address, as a user gives it.</summary>
    public string Url => $"postgres://{User}@{Host}:{Port}/postgres";

    /// <summary>Connections of the test's own.</summary>
    public NpgsqlDataSource Pool { get; }

    /// <summary>True for a server of a test's own that was stopped: whatever is on it goes with it.</summary>
    public bool IsDown => _folder is not null && !File.Exists(Path.Combine(Data, "postmaster.pid"));

    public IPEndPoint EndPoint => new(IPAddress.Loopback, Port);

    public static async Task<PostgresServer> FindAsync()
    {
        if (Environment.GetEnvironmentVariable("ESPIPE_TEST_POSTGRES_URL") is not { Length: > 0 } url) return await StartAsync();
        var uri = new Uri(url);
        return new PostgresServer(uri.Host, uri.Port, uri.UserInfo.Split(':')[0], null, "");
    }

    /// <summary>Starts a server of one's own.</summary>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        var server = await PlaceAsync();
        await server.AsOwnerAsync("initdb", "-D", server.Data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
        await server.SetAsync(
        [
            .. server.Whereabouts, "wal_level=logical", "max_wal_senders=10", "max_replication_slots=10", "shared_buffers=64MB", "max_prepared_transactions=5", .. settings,
        ]);
        await server.UpAsync();
        return server;
    }

    /// <summary>Starts a standby of this server.</summary>
    public async Task<PostgresServer> StartStandbyAsync()
    {
        var standby = await PlaceAsync();
        await standby.AsOwnerAsync("pg_basebackup", "-h", Host, "-p", $"{Port}", "-U", User, "-D", standby.Data, "-R", "-c", "fast", "--no-sync");
        await standby.SetAsync([.. standby.Whereabouts, "hot_standby=on"]);
        await standby.UpAsync();
        return standby;
    }

    /// <summary>Waits until a standby of this server shows everything that is committed here now.</summary>
    public async Task ShownByAsync(PostgresServer standby)
    {
        var end = await ScalarAsync<string>("SELECT pg_current_wal_flush_lsn()::text");
        await Conformance.Eventually.IsAsync(() => standby.ScalarAsync<bool>($"SELECT pg_last_wal_replay_lsn() >= '{end}'"), $"the standby has replayed the log up to {end}");
    }

    /// <summary>Waits until nothing is open that was begun before: the server ends what a client has left open a moment after that client.</summary>
    public async Task IsAtRestAsync()
    {
        const string Open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND xact_start < $1";
        var now = (await ScalarAsync<DateTime>("SELECT clock_timestamp()")).ToUniversalTime();
        await Conformance.Eventually.IsAsync(async () => await ScalarAsync<long>(Open, now) == 0, $"no transaction is open that was begun before {now:HH:mm:ss.fff}");
    }

    /// <summary>Starts a server that asks one user who comes over the network for a password; that of postgres is set, another role is made.</summary>
    public static async Task<PostgresServer> StartSecuredAsync(string password = "right", string user = "postgres")
    {
        var server = await StartAsync();
        await server.ExecuteAsync(user == "postgres" ? $"ALTER ROLE postgres PASSWORD '{password}'" : $"CREATE ROLE {user} LOGIN REPLICATION PASSWORD '{password}'");
        await server.AsOwnerAsync("bash", "-c", $"printf 'host all {user} all scram-sha-256\\nhost all all all trust\\n' > {server.Data}/pg_hba.conf");
        await server.ExecuteAsync("SELECT pg_reload_conf()");
        return server;
    }

    // A folder and a port of its own, and nothing there yet.
    private static async Task<PostgresServer> PlaceAsync()
    {
        var bin = Directory.Exists(Programs)
            ? Directory.GetDirectories(Programs).Select(d => Path.Combine(d, "bin")).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb"))) : null;
        Conformance.TestServers.Need(bin is not null, $"There is no PostgreSQL: ESPIPE_TEST_POSTGRES_URL is not set, and nothing is installed in {Programs}.");
        var folder = Directory.CreateTempSubdirectory("espipe-postgres-").FullName;
        await RunAsync("chmod", "777", folder);
        return new PostgresServer("127.0.0.1", Conformance.ServerPort.Find(), "postgres", folder, bin!);
    }

    private string[] Whereabouts => [$"port={Port}", "listen_addresses='127.0.0.1'", $"unix_socket_directories='{_folder}'"];

    private Task SetAsync(string[] settings) => AsOwnerAsync("bash", ["-c", $"printf '%s\\n' \"$@\" >> {Data}/postgresql.conf", "-", .. settings]);

    private string Data => Path.Combine(_folder!, "data");

    public Task UpAsync() => AsOwnerAsync("pg_ctl", "-D", Data, "-l", Path.Combine(_folder!, "log"), "-w", "-t", "180", "start");

    /// <summary>Stops it: <c>fast</c> in good order, <c>immediate</c> as a crash.</summary>
    public Task DownAsync(string mode) => AsOwnerAsync("pg_ctl", "-D", Data, "-m", mode, "-w", "-t", "180", "stop");

    /// <summary>Makes the primary of a standby.</summary>
    public Task PromoteAsync() => AsOwnerAsync("pg_ctl", "-D", Data, "-w", "-t", "180", "promote");

    public async Task ExecuteAsync(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Drops a slot and its publication, where they are there.</summary>
    public async Task DropSlotAsync(string name)
    {
        await LoseSlotAsync(name);
        await ExecuteAsync($"DROP PUBLICATION IF EXISTS {name}");
    }

    /// <summary>Drops a slot, where it is there, as soon as the session that was ended has let go of it.</summary>
    public async Task LoseSlotAsync(string name)
    {
        await ExecuteAsync($"SELECT pg_terminate_backend(active_pid, 60000) FROM pg_replication_slots WHERE slot_name = '{name}' AND active");
        await ExecuteAsync($"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{name}'");
    }

    public async Task<T?> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return (T?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    public async Task<List<string[]>> RowsAsync(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<string[]>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "" : reader.GetString(i))]);
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await Pool.DisposeAsync();
        if (_folder is null) return;
        if (!IsDown) await DownAsync("immediate");
        await AsOwnerAsync("rm", "-rf", Data);
        Directory.Delete(_folder, recursive: true);
    }

    private NpgsqlCommand Command(string sql, object[] parameters)
    {
        var command = Pool.CreateCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }

    // The server refuses to run as root.
    private Task AsOwnerAsync(string program, params string[] arguments)
    {
        var path = File.Exists(Path.Combine(_bin, program)) ? Path.Combine(_bin, program) : program;
        return Environment.UserName == "root" ? RunAsync("runuser", ["-u", "postgres", "--", path, .. arguments]) : RunAsync(path, arguments);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        // What it writes goes nowhere: the server that pg_ctl starts keeps its output open.
        using var process = Process.Start(new ProcessStartInfo("setsid", ["-w", "sh", "-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "-", program, .. arguments])
        {
            WorkingDirectory = "/",
        })!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
