using System.Globalization;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Postgres;

/// <summary>How changes are found.</summary>
public enum FollowWay
{
    /// <summary>By a column that every update sets, or, without one, by the age of the rows' versions. Deletes are not seen.</summary>
    UpdatedColumn,

    /// <summary>By logical replication: inserts, updates and deletes.</summary>
    Changes,
}

/// <summary>What is done when a table is emptied by TRUNCATE, which tells no rows.</summary>
public enum TruncateAnswer
{
    /// <summary>The run ends, until a person has said what is to become of the documents.</summary>
    Stop,

    /// <summary>The documents stay in the sink.</summary>
    Keep,
}

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

/// <summary>How a PostgreSQL database is reached, read and written.</summary>
public sealed record PostgresOptions : IValidatedOptions, IEffectiveOptions
{
    /// <summary>The address; it may hold the password.</summary>
    [Option("--pg-url", "Address, postgres://user:password@host:port/database?sslmode=require; its parts go before the other names", Environment = ["PG_URL"], Value = "URL")]
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
    [Option("--pg-sslmode", "TLS: disable, prefer, require, verify-ca or verify-full", Environment = ["PG_SSLMODE"], Value = "MODE",
        Default = "verify-full; prefer where the host is this machine")]
    public string SslMode { get; init; } = "";

    /// <summary>The authority that signs the server's certificate.</summary>
    [Option("--pg-ca", "PEM file with the certificates of the authorities that may sign the server's", Environment = ["PG_SSLROOTCERT"], Value = "FILE")]
    public string CaFile { get; init; } = "";

    /// <summary>The most connections at once.</summary>
    [Option("", "Connections at most; the two of logical replication come on top, and now and then one that looks at its slot", Environment = ["POOL_SIZE"], Min = 2, Max = 200)]
    public int PoolSize { get; init; } = 5;

    /// <summary>The table.</summary>
    [Option("--pg-table", "Table, as SQL names it: name or schema.name", Environment = ["PG_TABLE"], Value = "NAME", Identity = true)]
    public string Table { get; init; } = "";

    /// <summary>The key's columns.</summary>
    [Option("--pg-key", "Columns of the key; several are joined with commas into one", Value = "COLUMNS", Default = "the primary key", Identity = true)]
    public IReadOnlyList<string> Key { get; init; } = [];

    /// <summary>How documents lie in the table.</summary>
    [Option("--pg-shape", "document: the key in one column and the document in 'content'; columns: a column a field; auto: as the table is", Identity = true)]
    public TableShape Shape { get; init; } = TableShape.Auto;

    /// <summary>The column that every update sets.</summary>
    [Option("--pg-updated-column", "Column of type timestamp that every insert and update sets to the current time", Value = "COLUMN", Identity = true)]
    public string UpdatedColumn { get; init; } = "";

    /// <summary>The file that says what documents are made of.</summary>
    [Option("--pg-documents", "YAML file that makes one document out of several tables, instead of --pg-table", Value = "FILE", Identity = true)]
    public string Documents { get; init; } = "";

    /// <summary>How changes are found.</summary>
    [Option("--pg-follow", "How changes are found: changes (logical replication, sees deletes too) or updated-column (without such a column by the rows' versions, which reads the table each time)",
        Identity = true)]
    public FollowWay Follow { get; init; } = FollowWay.UpdatedColumn;

    /// <summary>The replication slot.</summary>
    [Option("--pg-slot", "Replication slot, made where it is missing; each job needs one of its own", Value = "NAME", Default = "espipe_ and the job's name", Identity = true)]
    public string Slot { get; init; } = "";

    /// <summary>The publication.</summary>
    [Option("--pg-publication", "Publication, made where it is missing", Value = "NAME", Default = "as the slot", Identity = true)]
    public string Publication { get; init; } = "";

    /// <summary>What is done about TRUNCATE.</summary>
    [Option("--pg-truncate", "What to do when the table is emptied by TRUNCATE, which does not tell its rows: stop, or keep their documents and go on")]
    public TruncateAnswer Truncate { get; init; } = TruncateAnswer.Stop;

    /// <summary>How much a slot may hold back.</summary>
    [Option("--pg-max-slot-bytes", "Bytes of write-ahead log that the slot may hold back before the run drops it and stops; 0: only warns, from 1 GiB on", Value = "N", Min = 0)]
    public long MaxSlotBytes { get; init; }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Effective
    {
        get
        {
            var address = PostgresAddress.Of(this, TimeSpan.FromMinutes(1));
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
    public IEnumerable<string> Mistakes()
    {
        if (Table.Length == 0 && Documents.Length == 0) yield return "--pg-table: give the table.";
        if (Table.Length > 0 && Documents.Length > 0) yield return "--pg-documents: the file names its tables; leave --pg-table out.";
        if (Documents.Length > 0 && !File.Exists(Documents)) yield return $"--pg-documents: there is no file '{Documents}'.";
        if (CaFile.Length > 0 && !File.Exists(CaFile)) yield return $"--pg-ca: there is no file '{CaFile}'.";
        foreach (var mistake in PostgresAddress.Mistakes(this)) yield return mistake;
        foreach (var (name, value) in new[] { ("--pg-slot", Slot), ("--pg-publication", Publication) })
        {
            if (value.Length > SlotName.MostCharacters || value.Any(c => !SlotName.Takes(c)))
            {
                yield return $"{name}: '{value}' is not 1 to 63 lower-case letters, digits and underscores.";
            }
        }
    }
}
