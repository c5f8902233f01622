using System.Globalization;
using EsPipeline.Core.Configuration;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// An address as libpq reads it (its manual, "Connection URIs"): <c>postgres://user:password@host:port/database?name=value&amp;…</c>, of which a
/// name may also give any of the parts before it, and goes before them.
/// </summary>
internal sealed class PostgresUrl
{
    // What means something here. Whoever writes another name relies on it, and would not get it.
    private static readonly string[] Names =
    [
        "host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "connect_timeout", "options", "channel_binding",
    ];

    // What changes nothing here.
    private static readonly string[] Harmless =
    [
        "client_encoding", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "fallback_application_name",
    ];

    private static readonly string[] Files = ["sslrootcert", "sslcert", "sslkey"];

    private readonly Uri _uri;
    private readonly Dictionary<string, string> _parameters = [];

    private PostgresUrl(Uri uri)
    {
        _uri = uri;
        foreach (var parameter in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Split(parameter, '=');
            _parameters[Uri.UnescapeDataString(name)] = Uri.UnescapeDataString(value);
        }
    }

    /// <summary>A parameter; null where it is not given, or empty.</summary>
    public string? this[string name] => OrNull(_parameters.GetValueOrDefault(name));

    /// <summary>The host, or a socket's folder.</summary>
    public string? Host => this["host"] ?? OrNull(Uri.UnescapeDataString(_uri.Host));

    /// <summary>The port.</summary>
    public int? Port => Number("port") ?? (_uri.Port > 0 ? _uri.Port : null);

    /// <summary>The database.</summary>
    public string? Database => this["dbname"] ?? OrNull(Uri.UnescapeDataString(_uri.AbsolutePath.TrimStart('/')));

    /// <summary>The user.</summary>
    public string? User => this["user"] ?? OrNull(Uri.UnescapeDataString(Split(_uri.UserInfo, ':').Before));

    /// <summary>The password.</summary>
    public string? Password => this["password"] ?? OrNull(Uri.UnescapeDataString(Split(_uri.UserInfo, ':').After));

    /// <summary>How long to wait for a connection, in seconds; 0 for as long as it takes.</summary>
    public int? ConnectTimeout => Number("connect_timeout");

    /// <summary>Whether the server has to prove that the TLS connection is its own.</summary>
    public ChannelBinding? ChannelBinding => this["channel_binding"] switch
    {
        "disable" => Npgsql.ChannelBinding.Disable,
        "prefer" => Npgsql.ChannelBinding.Prefer,
        "require" => Npgsql.ChannelBinding.Require,
        _ => null,
    };

    /// <summary>The parts of an address; null where it is none.</summary>
    public static PostgresUrl? Parse(Secret url) =>
        Uri.TryCreate(url.Reveal(), UriKind.Absolute, out var uri) && uri.Scheme is "postgres" or "postgresql" ? new PostgresUrl(uri) : null;

    /// <summary>What is wrong with an address, without the password.</summary>
    public static IEnumerable<string> Mistakes(Secret url) =>
        Parse(url) is { } parts ? parts.Mistakes() : ["it is not of the form postgres://user:password@host:port/database"];

    private IEnumerable<string> Mistakes()
    {
        foreach (var name in _parameters.Keys.Where(n => !Names.Contains(n) && !Harmless.Contains(n) && !ChangesNothing(n)))
        {
            // It may be what follows a ? or & in a password.
            var shown = name.All(c => c is '_' or (>= 'a' and <= 'z')) && !_parameters.ContainsKey("password") ? $"'{name}'" : "a name behind the ?";
            yield return $"{shown} means nothing here (a ? in a password is written %3F, a & %26); what may stand behind the ? is {string.Join(", ", Names)}";
        }

        if (this["sslmode"] is { } mode && PostgresAddress.ModeOf(mode) is null) yield return $"sslmode '{mode}' is none of disable, allow, prefer, require, verify-ca and verify-full";
        if (this["channel_binding"] is { } binding && ChannelBinding is null) yield return $"channel_binding '{binding}' is none of disable, prefer and require";
        if (this["port"] is { } port && Port is not (> 0 and <= 65_535)) yield return $"port '{port}' is not a number from 1 to 65535";
        if (this["connect_timeout"] is { } seconds && ConnectTimeout is not <= 1024) yield return $"connect_timeout '{seconds}' is not a number of seconds up to 1024";
        if (Host?.Contains(',', StringComparison.Ordinal) == true) yield return "it names several hosts, of which one can be given";
        foreach (var file in Files.Select(n => this[n]).Where(f => f is not null && !File.Exists(f))) yield return $"there is no file '{file}'";
    }

    private bool ChangesNothing(string name) =>
        (name == "target_session_attrs" && this[name] == "any") || (name == "gssencmode" && this[name] is "disable" or "prefer");

    private int? Number(string name) => int.TryParse(this[name], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? OrNull(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static (string Before, string After) Split(string text, char at)
    {
        var place = text.IndexOf(at, StringComparison.Ordinal);
        return place < 0 ? (text, "") : (text[..place], text[(place + 1)..]);
    }
}
