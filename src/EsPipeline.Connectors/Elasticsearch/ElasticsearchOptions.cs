using System.Globalization;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Whether what goes over the network is compressed.</summary>
public enum Compression
{
    /// <summary>Unless the server is on this machine.</summary>
    Auto,

    /// <summary>Always.</summary>
    On,

    /// <summary>Never.</summary>
    Off,
}

/// <summary>How an Elasticsearch or OpenSearch cluster is reached, whether it is read or written.</summary>
public abstract record ElasticsearchOptions : IValidatedOptions, IEffectiveOptions, IOptionsWithOrigins
{
    /// <summary>The addresses.</summary>
    [Option("--es-url", "Address of the cluster, or several with commas; http://host:9200/index/_search also names the index",
        Environment = ["ES_HOST_URL"], Value = "URL", Default = "http://localhost:9200", NamesJob = true, Address = true, GivesWayTo = ["ELASTICSEARCH_HOST"])]
    public string Url { get; init; } = "";

    /// <summary>The index.</summary>
    [Option("--es-index", "Index or alias; a source also takes a data stream, a pattern, or several with commas", Environment = ["ELASTICSEARCH_INDEX", "ES_INDEX"], Value = "NAME",
        Identity = true)]
    public string Index { get; init; } = "";

    /// <summary>The host, where no address is given.</summary>
    [Option("", "Host of the cluster where --es-url is not given", Environment = ["ELASTICSEARCH_HOST", "ES_HOST"], NamesJob = true, Address = true)]
    public string Host { get; init; } = "";

    /// <summary>The port of <see cref="Host"/>.</summary>
    [Option("", "Port of the cluster where --es-url is not given", Environment = ["ELASTICSEARCH_PORT", "ES_PORT"], Min = 1, Max = 65_535, NamesJob = true)]
    public int Port { get; init; } = 9200;

    /// <summary>Whether <see cref="Host"/> speaks TLS.</summary>
    [Option("", "Whether the cluster speaks TLS where --es-url is not given", Environment = ["ELASTICSEARCH_USE_SSL", "ES_USE_SSL"])]
    public bool UseSsl { get; init; }

    /// <summary>The user.</summary>
    [Option("--es-user", "User", Environment = ["ELASTICSEARCH_USERNAME", "ES_USER", "ES_USERNAME"], Value = "NAME", GivesWayTo = ["--es-api-key"])]
    public string User { get; init; } = "";

    /// <summary>The user's password.</summary>
    [Option("--es-pass", "The user's password", Environment = ["ELASTICSEARCH_PASSWORD", "ES_PASSWORD"], GivesWayTo = ["--es-api-key"])]
    public Secret? Password { get; init; }

    /// <summary>The API key.</summary>
    [Option("--es-api-key", "API key, as id:key or encoded, instead of user and password", Aliases = ["--api-key"], Environment = ["ES_API_KEY"],
        GivesWayTo = ["--es-user"])]
    public Secret? ApiKey { get; init; }

    /// <summary>The authority that signs the server's certificate.</summary>
    [Option("--es-ca", "PEM file with the certificates of the authorities that may sign the server's", Environment = ["ES_CA"], Value = "FILE")]
    public string CaFile { get; init; } = "";

    /// <summary>The certificate itself.</summary>
    [Option("--es-fingerprint", "SHA-256 fingerprint, in hex, of the server's certificate or of the authority that signed it", Environment = ["ES_FINGERPRINT"],
        Value = "SHA256")]
    public string Fingerprint { get; init; } = "";

    /// <summary>No verification.</summary>
    [Option("--es-insecure", "Do not verify the server's certificate: whoever is in between can read and change everything")]
    public bool Insecure { get; init; }

    /// <summary>The same as <see cref="Insecure"/>, the other way round.</summary>
    [Option("", "False does not verify the server's certificate, as --es-insecure does", Environment = ["ELASTICSEARCH_VERIFY_CERTS"])]
    public bool VerifyCertificates { get; init; } = true;

    /// <summary>Whether what goes over the network is compressed.</summary>
    [Option("--es-compress", "Whether what is sent and received is compressed; auto: unless the server is on this machine", Environment = ["ES_COMPRESS"])]
    public Compression Compress { get; init; } = Compression.Auto;

    /// <inheritdoc/>
    public Func<string, OptionOrigin> OriginOf { get; set; } = _ => OptionOrigin.Default;

    /// <summary>True where the certificate is not verified.</summary>
    internal bool IsInsecure => Insecure || !VerifyCertificates;

    /// <summary>The index where neither <see cref="Index"/> nor <see cref="Url"/> names one; null where one has to be named.</summary>
    internal string? UsualIndex { get; set; }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Effective
    {
        get
        {
            var addresses = ClusterAddress.Parse(this, []);
            yield return KeyValuePair.Create("--es-index", ClusterAddress.IndexOf(this, addresses, []) ?? "");
            if (addresses is not [var address, ..]) yield break;
            yield return KeyValuePair.Create("--es-url", address.ToString());
            yield return KeyValuePair.Create("es-host", ShellText.Quote(address.Root.Host));
            yield return KeyValuePair.Create("es-port", address.Root.Port.ToString(CultureInfo.InvariantCulture));
            yield return KeyValuePair.Create("es-curl", CurlCommand(address));
        }
    }

    /// <inheritdoc/>
    public virtual IEnumerable<string> Mistakes()
    {
        var mistakes = new List<string>();
        var addresses = ClusterAddress.Parse(this, mistakes);
        var index = ClusterAddress.IndexOf(this, addresses, mistakes);
        if (index is not null && MistakeInIndex(index) is { } mistake) mistakes.Add($"--es-index: {mistake}");
        return mistakes.Concat(ConnectionMistakes(addresses));
    }

    /// <summary>What is wrong with how the cluster is reached, whichever index is meant.</summary>
    public IEnumerable<string> ConnectionMistakes()
    {
        var mistakes = new List<string>();
        var addresses = ClusterAddress.Parse(this, mistakes);
        return mistakes.Concat(ConnectionMistakes(addresses));
    }

    private List<string> ConnectionMistakes(IReadOnlyList<ClusterAddress> addresses)
    {
        var mistakes = new List<string>();
        var tls = addresses.Any(a => a.IsTls);
        if (ApiKey is not null && (User.Length > 0 || (addresses.Any(a => a.User is not null) && OriginOf("--es-api-key") == OriginOf("--es-url")))) mistakes.Add("--es-api-key and --es-user: give one of them.");
        if (User.Length > 0 && Password is null) mistakes.Add("--es-pass: give the password of --es-user, best as ELASTICSEARCH_PASSWORD.");
        if (Password is not null && User.Length == 0) mistakes.Add("--es-user: give the user that the password belongs to.");
        if (ApiKey is not null && Credentials.EncodeKey(ApiKey) is null) mistakes.Add("--es-api-key: it is neither id:key nor the encoded form that the server gives.");
        if (CaFile.Length > 0 && !File.Exists(CaFile)) mistakes.Add($"--es-ca: there is no file {CaFile}.");
        if (Fingerprint.Length > 0 && ServerTrust.ParseFingerprint(Fingerprint) is null) mistakes.Add("--es-fingerprint: it is not 64 hex digits.");
        if (CaFile.Length > 0 && Fingerprint.Length > 0) mistakes.Add("--es-ca and --es-fingerprint: give one of them.");
        if (IsInsecure && (CaFile.Length > 0 || Fingerprint.Length > 0)) mistakes.Add("--es-insecure: with --es-ca or --es-fingerprint the certificate is verified; leave one out.");
        if ((CaFile.Length > 0 || Fingerprint.Length > 0) && addresses.Count > 0 && !tls)
        {
            mistakes.Add(string.Create(CultureInfo.InvariantCulture, $"{(CaFile.Length > 0 ? "--es-ca" : "--es-fingerprint")}: it needs an address that begins with https."));
        }

        return mistakes;
    }

    /// <summary>What is wrong with the index as this end uses it, as a sentence that can stand alone; null where nothing is.</summary>
    private protected abstract string? MistakeInIndex(string index);

    // With a user curl asks for the password; an API key it would show to others on this machine, so it reads that from the environment.
    private string CurlCommand(ClusterAddress address)
    {
        var user = User.Length > 0 ? User : address.User;
        return "curl -sS"
            + (ApiKey is not null ? " -H \"Authorization: ApiKey $ES_API_KEY\"" : user is not null ? $" -u {ShellText.Quote(user)}" : "")
            + (CaFile.Length > 0 ? $" --cacert {ShellText.Quote(CaFile)}" : "")
            + (IsInsecure ? " -k" : "");
    }
}
