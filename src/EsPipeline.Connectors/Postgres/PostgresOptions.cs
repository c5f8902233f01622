using System.Globalization;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Postgres;

/// <summary>How documents lie in a table.</summary>
public enum TableShape
{
    /// <summary>
    /// Written as documents into a table that has a column <c>content</c> of JSON, or that is new; as columns into any other. Read as documents
    /// from a table that has nothing but its key and a column <c>content</c> of JSON; as columns from any other.
    /// </summary>
    Auto,

    /// <summary>The key in one column, the document in the column <c>content</c>.</summary>
    Document,

    /// <summary>A column a field.</summary>
    Columns,
}

/// <summary>How a PostgreSQL database is reached, and which table is meant; all that a sink has to know.</summary>
public record PostgresOptions : IValidatedOptions, IEffectiveOptions, IOptionsWithOrigins
{
    /// <summary>The address; it may hold the password.</summary>
    [Option("--pg-url", "Address, postgres://user@host:port/database?sslmode=require (user:password@ where that is safe); its parts go before the other names, unless these were given in a stronger place", Environment = ["PG_URL"], Value = "URL")]
    public Secret? Url { get; init; }

    /// <summary>The host.</summary>
    [Option("--pg-host", "Host, or the folder of the server's socket", Environment = ["PG_HOST"], Value = "HOST", NamesJob = true)]
    public string Host { get; init; } = "localhost";

    /// <summary>The port.</summary>
    [Option("--pg-port", "Port", Environment = ["PG_PORT"], Min = 1, Max = 65_535, NamesJob = true)]
    public int Port { get; init; } = 5432;

    /// <summary>The database.</summary>
    [Option("--pg-database", "Database", Environment = ["PG_DATABASE"], Value = "NAME", NamesJob = true)]
    public string Database { get; init; } = "postgres";

    /// <summary>The user.</summary>
    [Option("--pg-user", "User", Environment = ["PG_USER"], Value = "NAME")]
    public string User { get; init; } = "postgres";

    /// <summary>The password.</summary>
    [Option("--pg-pass", "The user's password", Environment = ["PG_PASSWORD"])]
    public Secret? Password { get; init; }

    /// <summary>The way TLS is used, in libpq's words.</summary>
    [Option("--pg-sslmode", "TLS: disable, allow, prefer, require, verify-ca or verify-full", Environment = ["PG_SSLMODE"], Value = "MODE",
        Default = "verify-full; prefer where the host is this machine")]
    public string SslMode { get; init; } = "";

    /// <summary>The authority that signs the server's certificate.</summary>
    [Option("--pg-ca", "PEM file with the certificates of the authorities that may sign the server's", Environment = ["PG_SSLROOTCERT"], Value = "FILE")]
    public string CaFile { get; init; } = "";

    /// <summary>The most connections at once.</summary>
    [Option("", "Connections at most, where 1 counts as 2; the two of logical replication come on top, and now and then one that looks at its slot", Environment = ["POOL_SIZE"], Min = 1, Max = 200)]
    public int PoolSize { get; init; } = 5;

    /// <summary>Connections at most: one holds the moment that another one reads.</summary>
    internal int Connections => Math.Max(2, PoolSize);

    /// <summary>Patience.</summary>
    [Option("--pg-timeout", "Time without an answer after which a statement is given up; a SELECT that sorts much is silent for long", Environment = ["PG_TIMEOUT"], Max = 86_400)]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The table.</summary>
    [Option("--pg-table", "Table, as SQL names it: name or schema.name", Environment = ["PG_TABLE"], Value = "NAME", Identity = true, GivesWayTo = ["--pg-documents"])]
    public string Table { get; init; } = "";

    /// <summary>The key's columns.</summary>
    [Option("--pg-key", "Columns of the key; several are joined with commas into one", Value = "COLUMNS", Default = "the primary key", Identity = true)]
    public IReadOnlyList<string> Key { get; init; } = [];

    /// <summary>How documents lie in the table.</summary>
    [Option("--pg-shape", "document: the key in one column and the document in 'content'; columns: a column a field; auto: as the table is", Identity = true)]
    public TableShape Shape { get; init; } = TableShape.Auto;

    /// <inheritdoc/>
    public Func<string, OptionOrigin> OriginOf { get; set; } = _ => OptionOrigin.Default;

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Effective
    {
        get
        {
            var address = PostgresAddress.Of(this, Timeout);
            var (host, port) = (address.Host ?? "", address.Port.ToString(CultureInfo.InvariantCulture));
            var server = $"-h {ShellText.Quote(host)} -p {port}";
            yield return KeyValuePair.Create("--pg-host", host);
            yield return KeyValuePair.Create("--pg-port", port);
            yield return KeyValuePair.Create("--pg-database", address.Database ?? "");
            yield return KeyValuePair.Create("--pg-user", address.Username ?? "");
            yield return KeyValuePair.Create("pg-server", server);
            yield return KeyValuePair.Create("pg-client", $"psql {server} -U {ShellText.Quote(address.Username ?? "")} -d {ShellText.Quote(address.Database ?? "")}");
        }
    }

    /// <inheritdoc/>
    public virtual IEnumerable<string> Mistakes()
    {
        if (Table.Length == 0) yield return "--pg-table: give the table.";
        foreach (var mistake in MistakesInAddress()) yield return mistake;
    }

    private protected IEnumerable<string> MistakesInAddress()
    {
        if (Timeout < TimeSpan.FromSeconds(1)) yield return "--pg-timeout: it is less than a second.";
        if (CaFile.Length > 0 && !File.Exists(CaFile)) yield return $"--pg-ca: there is no file '{CaFile}'.";
        foreach (var mistake in PostgresAddress.Mistakes(this)) yield return mistake;
    }
}
