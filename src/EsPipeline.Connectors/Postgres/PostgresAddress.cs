using System.Net;
using EsPipeline.Core.Configuration;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Puts the options, and an address where one is given, into what Npgsql connects with.</summary>
internal static class PostgresAddress
{
    /// <summary>What is wrong with address and TLS mode, a sentence each, without the password.</summary>
    public static IEnumerable<string> Mistakes(PostgresOptions options)
    {
        foreach (var problem in options.Url is { } url ? Mistakes(url) : []) yield return $"--pg-url: {problem}.";
        if (options.SslMode.Length > 0 && ModeOf(options.SslMode) is null)
        {
            yield return $"--pg-sslmode: '{options.SslMode}' is none of disable, allow, prefer, require, verify-ca and verify-full.";
        }
    }

    /// <summary>What is wrong with an address alone, without the password.</summary>
    public static IEnumerable<string> Mistakes(Secret url) => PostgresUrl.Mistakes(url);

    // Npgsql's own 8 KiB are one call to the system, and mostly one wait, for every 40 rows of a COPY.
    private const int ReadBufferBytes = 1 << 18;

    /// <summary>Where and how to connect.</summary>
    public static NpgsqlConnectionStringBuilder Of(PostgresOptions options, TimeSpan timeout)
    {
        var target = new NpgsqlConnectionStringBuilder
        {
            Host = options.Host,
            Port = options.Port,
            Database = options.Database,
            Username = options.User,
            Password = options.Password?.Reveal(),
            ApplicationName = "espipe",
            MaxPoolSize = options.Connections,
            Timeout = 4,
            CommandTimeout = Math.Max(1, (int)timeout.TotalSeconds),
            CancellationTimeout = -1,
            TcpKeepAlive = true,
            NoResetOnClose = true,
            ReadBufferSize = ReadBufferBytes,
            IncludeErrorDetail = false,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        var mode = options.SslMode;
        if (options.Url is { } url && PostgresUrl.Parse(url) is { } parts)
        {
            if (parts.Host is { } host && Counts("--pg-host")) target.Host = host;
            if (parts.Port is { } port && Counts("--pg-port")) target.Port = port;
            if (parts.Database is { } database && Counts("--pg-database")) target.Database = database;
            if (parts.User is { } user && Counts("--pg-user")) target.Username = user;
            if (parts.Password is { } password && Counts("--pg-pass")) target.Password = password;
            if (parts["sslmode"] is { } given && Counts("--pg-sslmode")) mode = given;
            target.RootCertificate = parts["sslrootcert"];
            target.SslCertificate = parts["sslcert"];
            target.SslKey = parts["sslkey"];
            target.ApplicationName = parts["application_name"] ?? target.ApplicationName;
            target.Options = parts["options"];
            if (parts.ConnectTimeout is { } seconds) target.Timeout = seconds;
            if (parts.ChannelBinding is { } binding) target.ChannelBinding = binding;
        }

        target.SslMode = ModeOf(mode) ?? (IsLocal(target.Host!) ? Npgsql.SslMode.Prefer : Npgsql.SslMode.VerifyFull);
        if (options.CaFile.Length > 0) target.RootCertificate = options.CaFile;
        return target;

        // A part on the command line goes before an address in the environment.
        bool Counts(string option) => options.OriginOf(option) <= options.OriginOf("--pg-url");
    }

    private static bool IsLocal(string host) =>
        host == "localhost" || host.StartsWith('/') || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>The TLS mode of one of libpq's words; null for any other word.</summary>
    public static SslMode? ModeOf(string name) => name switch
    {
        "disable" => Npgsql.SslMode.Disable,
        "allow" => Npgsql.SslMode.Allow,
        "prefer" => Npgsql.SslMode.Prefer,
        "require" => Npgsql.SslMode.Require,
        "verify-ca" => Npgsql.SslMode.VerifyCA,
        "verify-full" => Npgsql.SslMode.VerifyFull,
        _ => null,
    };
}
