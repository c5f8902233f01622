namespace EsPipeline.Benchmarks;

/// <summary>A table of MySQL or MariaDB, and the server's own client: the rows are the documents of <see cref="BenchIndex"/> by their keys.</summary>
/// <param name="address">The server and a database that exists: <c>mysql://user:password@127.0.0.1:3306/database</c>.</param>
/// <param name="name">The table.</param>
internal sealed class BenchTable(Uri address, string name)
{
    public const string Variable = "ESPIPE_TEST_MYSQL_URL";

    // A collation that tells all keys apart, so that espipe need not ask whether a row hit another one. MySQL and MariaDB name it differently.
    private const string MariaDbCollation = "utf8mb4_nopad_bin";
    private const string MySqlCollation = "utf8mb4_0900_bin";

    private string? _collation;

    /// <summary>The table of this name at the address in the environment; any address where there is none.</summary>
    public static BenchTable Named(string name) => new(new Uri(BenchContext.Address(Variable) ?? "mysql://root@127.0.0.1:3306/espipe"), name);

    /// <summary>Why there is nothing to measure; null where there is.</summary>
    public static string? Missing => BenchContext.Address(Variable) is null ? $"{Variable} is not set" : null;

    public string Name => name;

    /// <summary>The options that lead espipe to the table.</summary>
    public string[] Options => ["--db-host", address.Host, "--db-port", $"{Port}", "--db-user", Account[0], "--db-name", Database, "--db-table", name];

    private int Port => address.IsDefaultPort || address.Port < 0 ? 3306 : address.Port;

    private string Database => address.AbsolutePath.Trim('/');

    private string[] Account => [.. address.UserInfo.Split(':', 2).Select(Uri.UnescapeDataString)];

    private string Password => Account is [_, var password] ? password : "";

    /// <summary>A command with the password where espipe and the client look for it.</summary>
    public CommandText WithPassword(CommandText command) => Password.Length == 0 ? command : command with
    {
        Environment = new Dictionary<string, string> { ["DB_PASSWORD"] = Password, ["MYSQL_PWD"] = Password },
    };

    /// <summary>The client in a shell, with its options and what follows.</summary>
    public CommandText Client(string rest) =>
        WithPassword(CommandText.Shell($"mysql --no-defaults --host={address.Host} --port={Port} --user={Account[0]} --default-character-set=utf8mb4 {rest} {Database}"));

    /// <summary>Makes the table anew, empty.</summary>
    public async Task CreateAsync(string scratch)
    {
        _collation ??= await AskAsync("SELECT VERSION()", scratch) is var version && version.Contains("MariaDB", StringComparison.Ordinal) ? MariaDbCollation : MySqlCollation;
        await AskAsync(
            $"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} (id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE {_collation} PRIMARY KEY, content JSON NOT NULL)", scratch);
    }

    /// <summary>Fills the table from a file that <c>LOAD DATA</c> takes.</summary>
    public async Task LoadAsync(string file, string scratch)
    {
        await ProcessRun.OfAsync(Load(file), scratch);
        await AskAsync($"ANALYZE TABLE {name}", scratch);
    }

    /// <summary>The client sending a file of statements.</summary>
    public CommandText Play(string file) => Client($"< {file}");

    /// <summary>The client sending a file of rows.</summary>
    public CommandText Load(string file) => Client($"--local-infile=1 --execute=\"LOAD DATA LOCAL INFILE '{file}' REPLACE INTO TABLE {name} (id, content)\"");

    /// <summary>The client writing all rows to a file, one by one as they come.</summary>
    /// <param name="file">The file.</param>
    /// <param name="raw">True to leave values as they are, so that a line holds exactly a row's bytes.</param>
    public CommandText Dump(string file, bool raw = false) =>
        Client($"--batch --quick {(raw ? "--raw --skip-column-names " : "")}--execute='SELECT id, content FROM {name}' > {file}");

    private async Task<string> AskAsync(string sql, string scratch)
    {
        var file = Path.Combine(scratch, "answer");
        await ProcessRun.OfAsync(Client($"--batch --skip-column-names --execute=\"{sql}\" > {file}"), scratch);
        return await File.ReadAllTextAsync(file);
    }
}
