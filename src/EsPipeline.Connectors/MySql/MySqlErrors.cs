using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>What can go wrong between espipe and a MySQL or MariaDB server; <see cref="TableErrors"/> has what is wrong with tables and records.</summary>
public static class MySqlErrors
{
    /// <summary>The client library is missing.</summary>
    public static readonly ErrorCode NoLibrary = new(
        "mysql.no_library", FailureKind.Environment, "MySQL and MariaDB need the library MariaDB Connector/C, which is not on this machine.",
        "Install it: 'apt-get install libmariadb3', 'brew install mariadb-connector-c', or put libmariadb.dll beside espipe.")
    {
        Steps = ["See whether the machine has it: `ldconfig -p | grep libmariadb`"],
    };

    /// <summary>No connection could be made.</summary>
    public static readonly ErrorCode Unreachable = new(
        "mysql.unreachable", FailureKind.Transient, "The server could not be reached.",
        "Check --db-host and --db-port, that the server runs, and that no firewall is between.")
    {
        Steps =
        [
            "See whether anything listens there: `nc -vz {--db-host} {--db-port}`",
            "See what this machine knows of the name: `getent hosts {--db-host}`",
            "Sign in by hand: `{db-client} -e 'SELECT 1'`",
        ],
    };

    /// <summary>A connection broke.</summary>
    public static readonly ErrorCode ConnectionLost = new(
        "mysql.connection_lost", FailureKind.Transient, "The connection was lost: the server stopped, an administrator ended it, or the network failed.",
        "It is tried again; look into the server's log where it happens often.")
    {
        Steps = ["See since when the server runs, and how often connections broke: `{db-client} -e \"SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime','Aborted_clients','Aborted_connects')\"`"],
    };

    /// <summary>The server does not answer.</summary>
    public static readonly ErrorCode Timeout = new(
        "mysql.timeout", FailureKind.Transient, "The server did not answer in time.", "It is tried again; a slow server may need a longer --db-timeout.")
    {
        Steps = ["See what the server is busy with: `{db-client} -e 'SHOW FULL PROCESSLIST'`"],
    };

    /// <summary>The server takes no more connections.</summary>
    public static readonly ErrorCode TooManyConnections = new(
        "mysql.too_many_connections", FailureKind.Transient, "The server has as many connections as it or this account allows.",
        "It is tried again; lower --db-connections or --threads, or raise max_connections.")
    {
        Steps =
        [
            "See how many there are, and how many there may be: `{db-client} -e \"SHOW GLOBAL STATUS LIKE 'Threads_connected'; SHOW GLOBAL VARIABLES LIKE 'max_%connections'\"`",
            "Run with fewer: the same command with `--db-connections 1`",
        ],
    };

    /// <summary>Another transaction was in the way.</summary>
    public static readonly ErrorCode Conflict = new(
        "mysql.conflict", FailureKind.Transient, "Another transaction held the same rows, and the server ended this one.",
        "It is tried again; where it happens often, see what else writes to the table.")
    {
        Steps = ["See who holds locks (privilege PROCESS): `{db-client} -e 'SELECT * FROM information_schema.INNODB_TRX'`"],
    };

    /// <summary>A server-side failure that may pass.</summary>
    public static readonly ErrorCode Busy = new(
        "mysql.busy", FailureKind.Transient, "The server could not do it now.", "It is tried again; look into the server's log where it happens often.")
    {
        Steps = ["See what the server is busy with: `{db-client} -e 'SHOW FULL PROCESSLIST'`"],
    };

    /// <summary>Wrong user or password.</summary>
    public static readonly ErrorCode SignIn = new(
        "mysql.sign_in", FailureKind.Environment, "The server refused the user or the password.",
        "Check --db-user and DB_PASSWORD, and from which hosts the account may connect.")
    {
        Steps =
        [
            "Sign in by hand, with the password typed in: `{db-client}`",
            "See, as an administrator, from where the account may connect: `mysql -u root -p -e 'SELECT user,host,plugin FROM mysql.user'`",
        ],
    };

    /// <summary>The client library lacks a way to sign in.</summary>
    public static readonly ErrorCode SignInMethod = new(
        "mysql.sign_in_method", FailureKind.Environment,
        "The server asks for a way to sign in that is not supported, or that would show the password to whoever listens.",
        "Use TLS (--db-tls verify), or give the account mysql_native_password, caching_sha2_password or ed25519.")
    {
        Steps =
        [
            "See, as an administrator, how the account signs in: `mysql -u root -p -e 'SELECT user,host,plugin FROM mysql.user'`",
            "Try it over TLS: the same command with `--db-tls verify`",
        ],
    };

    /// <summary>A right is missing.</summary>
    public static readonly ErrorCode NotAllowed = new(
        "mysql.not_allowed", FailureKind.Environment, "The account lacks a right.",
        "Grant it: a source needs SELECT; a sink INSERT, UPDATE, SELECT, DELETE, and CREATE where the table is to be made.")
    {
        Steps = ["See what the account may do: `{db-client} -e 'SHOW GRANTS'`"],
    };

    /// <summary>The database is missing.</summary>
    public static readonly ErrorCode NoDatabase = new(
        "mysql.no_database", FailureKind.Environment, "The database is not there.", "Check --db-name, or create the database.")
    {
        Steps = ["See which databases this account sees: `{db-client} -e 'SHOW DATABASES'`"],
    };

    /// <summary>The server or the session may not write.</summary>
    public static readonly ErrorCode ReadOnly = new(
        "mysql.read_only", FailureKind.Environment, "The server does not take writes now: it is a replica or was made read-only.",
        "Use the primary server, or turn read_only off.")
    {
        Steps = ["See what the server says of itself: `{db-client} -e \"SHOW GLOBAL VARIABLES LIKE '%read_only'\"`"],
    };

    /// <summary>No room.</summary>
    public static readonly ErrorCode NoRoom = new(
        "mysql.no_room", FailureKind.Environment, "The server has no room left: the disk or the table is full, or a quota is reached.",
        "Free space on the server; the run goes on from where it stopped.")
    {
        Steps = ["See where the server keeps its data, then look there with df: `{db-client} -e \"SHOW GLOBAL VARIABLES WHERE Variable_name IN ('datadir','tmpdir','innodb_data_file_path')\"`"],
    };

    /// <summary>A limit of the server.</summary>
    public static readonly ErrorCode OutOfResources = new(
        "mysql.out_of_resources", FailureKind.Environment, "The server ran out of memory or of another resource.", "Look into the server's log.")
    {
        Steps = ["See what takes the memory: `{db-client} -e \"SHOW GLOBAL VARIABLES LIKE '%buffer%size'; SHOW GLOBAL STATUS LIKE 'Threads%'\"`"],
    };

    /// <summary>Anything else.</summary>
    public static readonly ErrorCode Server = new(
        "mysql.server_error", FailureKind.Environment, "The server refused a statement for a reason that espipe does not know.",
        "The message is the server's own; the server's manual lists error numbers.")
    {
        Steps = ["Look the number in the message up on the server's side: `{db-client} -e 'SHOW ENGINE INNODB STATUS'`"],
    };

    /// <summary>The server wants a file of this machine.</summary>
    public static readonly ErrorCode AskedForFile = new(
        "mysql.asked_for_file", FailureKind.Environment, "The server asked for a file of this machine, which is never given.",
        "An honest server does not do that: find out who answers at --db-host.")
    {
        Steps = ["See who answers there: `getent hosts {--db-host}`"],
    };

    /// <summary>No TLS.</summary>
    public static readonly ErrorCode NoTls = new(
        "mysql.no_tls", FailureKind.Environment, "The server offers no TLS, so that everything would cross the network in the open.",
        "Turn TLS on in the server; or, in a network that you trust, use --db-tls off.")
    {
        Steps = ["See whether the server has TLS: `{db-client} -e \"SHOW GLOBAL VARIABLES LIKE '%ssl%'\"`"],
    };

    /// <summary>A self-signed certificate.</summary>
    public static readonly ErrorCode TlsSelfSigned = new(
        "mysql.tls_self_signed", FailureKind.Environment, "The server's certificate is signed by itself, so that it proves nothing.",
        "Give the server's own certificate with --db-ca, or a certificate from an authority to the server.")
    {
        Steps = ["Fetch the certificate, and compare it with the server's own before you trust it: `openssl s_client -starttls mysql -connect {--db-host}:{--db-port} </dev/null | openssl x509 -out server.pem`"],
    };

    /// <summary>An unknown authority.</summary>
    public static readonly ErrorCode TlsUnknownAuthority = new(
        "mysql.tls_unknown_authority", FailureKind.Environment, "The server's certificate is signed by an authority that this machine does not know.",
        "Give the authority's certificate with --db-ca.")
    {
        Steps = ["See who has signed it: `openssl s_client -starttls mysql -connect {--db-host}:{--db-port} </dev/null 2>/dev/null | openssl x509 -noout -issuer`"],
    };

    /// <summary>An expired certificate.</summary>
    public static readonly ErrorCode TlsExpired = new(
        "mysql.tls_expired", FailureKind.Environment, "The server's certificate has expired or is not valid yet.",
        "Renew the server's certificate, and check the clocks of both machines.")
    {
        Steps = ["Look at its dates, and at this machine's clock: `openssl s_client -starttls mysql -connect {--db-host}:{--db-port} </dev/null 2>/dev/null | openssl x509 -noout -dates; date -u`"],
    };

    /// <summary>A certificate for another host.</summary>
    public static readonly ErrorCode TlsWrongHost = new(
        "mysql.tls_wrong_host", FailureKind.Environment, "The server's certificate is for another host.",
        "Use the name that the certificate has as --db-host, or give the server a certificate for this name.")
    {
        Steps = ["Look at the names that it holds: `openssl s_client -starttls mysql -connect {--db-host}:{--db-port} </dev/null 2>/dev/null | openssl x509 -noout -subject -ext subjectAltName`"],
    };

    /// <summary>Another failure of TLS.</summary>
    public static readonly ErrorCode Tls = new(
        "mysql.tls", FailureKind.Environment, "No TLS connection could be made.", "The message is the TLS library's own; check --db-ca and the server's TLS settings.")
    {
        Steps = ["Let openssl try it: `openssl s_client -starttls mysql -connect {--db-host}:{--db-port} </dev/null`"],
    };
}
