using System.Globalization;
using System.Net;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.MySql;

/// <summary>How a connection is encrypted.</summary>
public enum MySqlTls
{
    /// <summary>Encrypted, without asking who answers: against listening, not against an impostor.</summary>
    Required,

    /// <summary>Encrypted, and only with a server that proves its name.</summary>
    Verify,

    /// <summary>In the open.</summary>
    Off,
}

/// <summary>How documents lie in a table.</summary>
public enum MySqlShape
{
    /// <summary>A row is a key and a JSON document.</summary>
    Document,

    /// <summary>A row is a document, a column one of its fields.</summary>
    Columns,
}

/// <summary>Which server, as whom, and which table: what a source and a sink have in common.</summary>
public record MySqlOptions : IValidatedOptions, IEffectiveOptions
{
    /// <summary>The host.</summary>
    [Option("--db-host", "Host of the MySQL or MariaDB server, or the path of its Unix socket", Environment = ["DB_HOST"], Value = "HOST", NamesJob = true)]
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port.</summary>
    [Option("--db-port", "Port of the server", Environment = ["DB_PORT"], Min = 1, Max = 65_535)]
    public int Port { get; init; } = 3306;

    /// <summary>The account.</summary>
    [Option("--db-user", "Account to sign in with", Environment = ["DB_USER"], Value = "NAME")]
    public string User { get; init; } = "";

    /// <summary>Its password.</summary>
    [Option("--db-pass", "Password of the account; better given in the environment, where others can't see it", Environment = ["DB_PASSWORD"])]
    public Secret? Password { get; init; }

    /// <summary>The database.</summary>
    [Option("--db-name", "Database (schema) of the table", Environment = ["DB_NAME"], Value = "NAME", NamesJob = true)]
    public string Database { get; init; } = "";

    /// <summary>The table.</summary>
    [Option("--db-table", "Table; a sink makes it where it is missing", Environment = ["DB_TABLE"], Value = "NAME", NamesJob = true)]
    public string Table { get; init; } = "";

    /// <summary>Encryption; null to choose by the host.</summary>
    [Option("--db-tls", "Encryption: with a server that proves its name, with any server, or none", Environment = ["DB_TLS"],
        Default = "verify; off for a server on this machine")]
    public MySqlTls? Tls { get; init; }

    /// <summary>Certificates to trust.</summary>
    [Option("--db-ca", "File with the certificates (PEM) of the authorities to trust", Environment = ["DB_CA"], Value = "FILE", Default = "the machine's")]
    public string? CertificateAuthority { get; init; }

    /// <summary>The shape; null to go by the table.</summary>
    [Option("--db-shape", "A key and a JSON document in each row, or one column for each field", Environment = ["DB_SHAPE"],
        Default = "as the table is; document for a new one", Identity = true)]
    public MySqlShape? Shape { get; init; }

    /// <summary>The key's columns.</summary>
    [Option("--db-key", "Columns of the key, covered by a unique index without NULL; a sink has one", Environment = ["DB_KEY"], Value = "A,B",
        Default = "the primary key; id for a new table", Identity = true)]
    public IReadOnlyList<string> Key { get; init; } = [];

    /// <summary>The document's column.</summary>
    [Option("--db-content-column", "Column of the document, for the shape document", Environment = ["DB_CONTENT_COLUMN"], Value = "COLUMN",
        Default = "content, or the one beside the key", Identity = true)]
    public string? ContentColumn { get; init; }

    /// <summary>Patience.</summary>
    [Option("--db-timeout", "Time without an answer after which a connection is given up", Environment = ["DB_TIMEOUT"], Max = 86_400)]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>True where <see cref="Host"/> is a Unix socket's path.</summary>
    internal bool IsUnixSocket => Host.StartsWith('/');

    /// <summary>True where nothing leaves this machine.</summary>
    internal bool IsLocal => IsUnixSocket || Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>The encryption that is used.</summary>
    internal MySqlTls EffectiveTls => Tls ?? (IsLocal ? MySqlTls.Off : MySqlTls.Verify);

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Effective
    {
        get
        {
            var place = IsUnixSocket
                ? $"-S {ShellText.Quote(Host)}"
                : string.Create(CultureInfo.InvariantCulture, $"--protocol=tcp -h {ShellText.Quote(Host)} -P {Port}");
            yield return new("db-client", $"mysql {place} -u {(User.Length > 0 ? ShellText.Quote(User) : "<user>")} -p");
            yield return new("db-name", InCommand(Database));
            yield return new("db-table", $"{InCommand(Database)}.{InCommand(Table)}");
        }
    }

    /// <inheritdoc/>
    public virtual IEnumerable<string> Mistakes()
    {
        if (User.Length == 0) yield return "--db-user: give the account to sign in with.";
        foreach (var (option, name) in Names().Where(n => n.Name.Length > 0))
        {
            if (SqlText.MistakeIn(name) is { } mistake) yield return $"{option}: {mistake}";
        }

        if (Database.Length == 0) yield return "--db-name: give the database.";
        if (Table.Length == 0) yield return "--db-table: give the table.";
        if (Timeout < TimeSpan.FromSeconds(1)) yield return "--db-timeout: it is less than a second.";
        if (IsUnixSocket && Tls is not (null or MySqlTls.Off)) yield return "--db-tls: a Unix socket is not encrypted.";
        if (CertificateAuthority is not null && EffectiveTls != MySqlTls.Verify) yield return "--db-ca: it is of no use without --db-tls verify.";
        if (Host.Any(char.IsControl) || Host.Length == 0) yield return "--db-host: it is not a host.";
        if (Shape == MySqlShape.Columns && ContentColumn is not null) yield return "--db-content-column: it belongs to --db-shape document.";
    }

    // A name in SQL that stands between single quotes in a shell.
    private static string InCommand(string name) => SqlText.MistakeIn(name) is null ? ShellText.Within(SqlText.Name(name)) : "<name>";

    private IEnumerable<(string Option, string Name)> Names() =>
    [
        ("--db-name", Database), ("--db-table", Table), ("--db-content-column", ContentColumn ?? ""),
        .. Key.Select(k => ("--db-key", k)),
    ];
}
