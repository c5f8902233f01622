using System.Globalization;

namespace EsPipeline.Connectors.MySql;

/// <summary>What a connection is for.</summary>
internal enum SessionUse
{
    /// <summary>Questions about tables, and reading.</summary>
    Read,

    /// <summary>Writing, a transaction for each statement.</summary>
    Write,
}

/// <summary>What a server says of itself.</summary>
/// <param name="Variables">Its global variables, as far as they are asked for.</param>
internal sealed record MySqlServer(IReadOnlyDictionary<string, string> Variables)
{
    /// <summary>The statement whose rows <see cref="Of"/> takes; a variable that a server does not know is just not there.</summary>
    public const string Question =
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version','max_allowed_packet','read_only','super_read_only','innodb_read_only','server_uuid',"
        + "'server_id','hostname','port','log_bin','binlog_format','time_zone','system_time_zone','innodb_flush_log_at_trx_commit','wsrep_on','group_replication_group_name')";

    // Without an index that has the order, keys are told apart by as many bytes: more than InnoDB's longest key has (3,072). The default, 1,024, is less.
    private const int LongestKey = 4096;

    /// <summary>A server that was not asked yet.</summary>
    public static MySqlServer Unknown { get; } = new(new Dictionary<string, string>());

    /// <summary>True for MariaDB, false for MySQL.</summary>
    public bool IsMariaDb { get; private init; }

    /// <summary>The version's numbers.</summary>
    public Version Version { get; private init; } = new(0, 0);

    /// <summary>The server as a person calls it: <c>MariaDB 10.11.19</c>.</summary>
    public string Name => Variables.Count == 0 ? "The server" : $"{(IsMariaDb ? "MariaDB" : "MySQL")} {Version}";

    /// <summary>The largest packet that the server takes, in bytes.</summary>
    public long MaxAllowedPacket => long.Parse(Variables.GetValueOrDefault("max_allowed_packet", "1048576"), CultureInfo.InvariantCulture);

    /// <summary>True where many rows can be bound to one prepared statement (MariaDB's bulk protocol).</summary>
    public bool HasBulk => IsMariaDb && Version >= new Version(10, 3);

    /// <summary>True where <c>INSERT … VALUES … AS new</c> takes the place of <c>VALUES(column)</c>, which MySQL warns about since.</summary>
    public bool HasRowAlias => !IsMariaDb && Version >= new Version(8, 0, 19);

    /// <summary>A binary collation of utf8mb4 in which trailing blanks count; null where the server has none.</summary>
    public string? ExactCollation => IsMariaDb
        ? Version >= new Version(10, 2) ? "utf8mb4_nopad_bin" : null
        : Version >= new Version(8, 0, 17) ? "utf8mb4_0900_bin" : null;

    /// <summary>True where the server takes no writes from ordinary accounts.</summary>
    public bool IsReadOnly => IsOn("read_only") || IsOn("super_read_only") || IsOn("innodb_read_only");

    /// <summary>True where other servers write the same tables: Galera, or MySQL's Group Replication.</summary>
    public bool IsOfCluster => IsOn("wsrep_on") || Variables.GetValueOrDefault("group_replication_group_name") is { Length: > 0 };

    /// <summary>Tells the servers behind one address from each other.</summary>
    public string Node => $"{Variables.GetValueOrDefault("hostname")}:{Variables.GetValueOrDefault("port")} {Identity}";

    /// <summary>True where a transaction that was committed is on the disk; otherwise the last second's are lost when the machine fails.</summary>
    public bool IsDurable => Variables.GetValueOrDefault("innodb_flush_log_at_trx_commit", "1") is "1" or "3";

    /// <summary>
    /// What tells this server from another and stays when it moves: MySQL's own UUID. MariaDB has nothing of the kind (its
    /// <c>server_uid</c> follows the network card), so it is its <c>server_id</c>, which administrators keep distinct within a replication.
    /// </summary>
    public string Identity => Variables.GetValueOrDefault("server_uuid") ?? $"server_id {Variables.GetValueOrDefault("server_id", "unknown")}";

    /// <summary>The global time zone as an administrator set it, <c>SYSTEM</c> followed to its meaning.</summary>
    public string TimeZone => Variables.GetValueOrDefault("time_zone") is { } zone and not "SYSTEM" ? zone : Variables.GetValueOrDefault("system_time_zone", "UTC");

    /// <summary>True where the server's own zone is UTC all year.</summary>
    public bool IsUtc => TimeZone is "UTC" or "Etc/UTC" or "GMT" or "+00:00" or "-00:00" or "Universal" or "Zulu";

    /// <summary>Reads the answer to <see cref="Question"/>.</summary>
    public static MySqlServer Of(IEnumerable<string?[]> rows)
    {
        var variables = rows.ToDictionary(r => r[0]!, r => r[1] ?? "", StringComparer.OrdinalIgnoreCase);
        var version = variables.GetValueOrDefault("version") ?? throw MySqlErrors.Server.Error("The server does not tell its version.");
        var isMariaDb = version.Contains("MariaDB", StringComparison.OrdinalIgnoreCase);
        if (version.StartsWith("5.5.5-", StringComparison.Ordinal) && isMariaDb) version = version[6..];
        var numbers = new string([.. version.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]).TrimEnd('.');
        return new MySqlServer(variables) { IsMariaDb = isMariaDb, Version = Version.TryParse(numbers, out var parsed) ? parsed : new Version(0, 0) };
    }

    /// <summary>
    /// The statements that make a session one that espipe relies on: strict, in UTC, in utf8mb4 whatever the server makes of the handshake
    /// (<c>skip-character-set-client-handshake</c>, <c>init_connect</c>), without a limit on rows, on the length of a
    /// GROUP_CONCAT, or on what of a key is sorted by, patient with a slow reader.
    /// </summary>
    public IEnumerable<string> SettingsFor(SessionUse use, TimeSpan timeout)
    {
        // A key of 0 in an AUTO_INCREMENT column is that key, not the next number; and no warning of a changed value is left out, nor beyond a limit.
        const string strict = "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";
        var lockWait = Math.Clamp((int)(timeout.TotalSeconds / 2), 1, 20);
        yield return $"SET SESSION sql_mode='{strict}',character_set_client=utf8mb4,character_set_results=utf8mb4,character_set_connection=utf8mb4,time_zone='+00:00',sql_select_limit=18446744073709551615,sql_safe_updates=0,sql_notes=1,max_error_count=65535,"
            + $"net_write_timeout=3600,net_read_timeout=3600,wait_timeout=86400,innodb_lock_wait_timeout={lockWait},lock_wait_timeout={lockWait},"
            + (use == SessionUse.Write ? "autocommit=0" : $"autocommit=1,group_concat_max_len=4294967295,max_sort_length={LongestKey}");

        // What was never committed is not read, whatever the server's default is. To write, fewer gap locks, so fewer deadlocks; but
        // statement-based binary logs need the higher level.
        var isByStatement = IsOn("log_bin") && Variables.GetValueOrDefault("binlog_format") == "STATEMENT";
        yield return $"SET SESSION TRANSACTION ISOLATION LEVEL {(use == SessionUse.Read || isByStatement ? "REPEATABLE READ" : "READ COMMITTED")}";
    }

    private bool IsOn(string variable) => Variables.GetValueOrDefault(variable) is { } value && value is "ON" or "1" or "NO_LOCK" or "NO_LOCK_NO_ADMIN";
}
