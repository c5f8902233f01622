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
    public static IEnumerable<string> Mistakes(Secret url)
    {
        if (!TryParse(url, out var uri, out var problem)) yield return problem;
        else if (Parameter(uri!, "sslrootcert") is { } file && !File.Exists(file)) yield return $"there is no file '{file}'";
    }

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
        if (options.Url is { } url && TryParse(url, out var uri, out _))
        {
            var (user, password) = Split(uri!.UserInfo, ':');
            var path = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
            if (uri.Host.Length > 0 && Counts("--pg-host")) target.Host = uri.Host;
            if (uri.Port > 0 && Counts("--pg-port")) target.Port = uri.Port;
            if (path.Length > 0 && Counts("--pg-database")) target.Database = path;
            if (user.Length > 0 && Counts("--pg-user")) target.Username = Uri.UnescapeDataString(user);
            if (password.Length > 0 && Counts("--pg-pass")) target.Password = Uri.UnescapeDataString(password);
            if (Counts("--pg-sslmode")) mode = Parameter(uri, "sslmode") ?? mode;
            target.RootCertificate = Parameter(uri, "sslrootcert");
        }

        target.SslMode = ModeOf(mode) ?? (IsLocal(target.Host!) ? Npgsql.SslMode.Prefer : Npgsql.SslMode.VerifyFull);
        if (options.CaFile.Length > 0) target.RootCertificate = options.CaFile;
        return target;

        // A part on the command line goes before an address in the environment.
        bool Counts(string option) => options.OriginOf(option) <= options.OriginOf("--pg-url");
    }

    private static bool TryParse(Secret url, out Uri? uri, out string problem)
    {
        problem = "it is not of the form postgres://user:password@host:port/database";
        if (!Uri.TryCreate(url.Reveal(), UriKind.Absolute, out uri) || uri.Scheme is not ("postgres" or "postgresql")) return false;
        var mode = Parameter(uri, "sslmode");
        problem = $"sslmode '{mode}' is none of disable, allow, prefer, require, verify-ca and verify-full";
        return mode is null || ModeOf(mode) is not null;
    }

    private static string? Parameter(Uri uri, string name) => uri.Query.TrimStart('?').Split('&').Select(p => Split(p, '='))
        .Where(p => p.Before == name).Select(p => Uri.UnescapeDataString(p.After)).FirstOrDefault();

    private static (string Before, string After) Split(string text, char at)
    {
        var place = text.IndexOf(at, StringComparison.Ordinal);
        return place < 0 ? (text, "") : (text[..place], text[(place + 1)..]);
    }

    private static bool IsLocal(string host) =>
        host == "localhost" || host.StartsWith('/') || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static SslMode? ModeOf(string name) => name switch
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
