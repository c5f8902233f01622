using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Decides whether a server's certificate is to be trusted, and says what is wrong with one that is not: by the machine's authorities,
/// by those of a file, by a fingerprint, or not at all.
/// </summary>
internal sealed class ServerTrust
{
    private readonly bool _insecure;
    private readonly byte[]? _fingerprint;
    private readonly X509Certificate2Collection? _authorities;

    /// <exception cref="PipelineException"><see cref="ElasticsearchErrors.CertificateUntrusted"/>: the file of authorities can't be read.</exception>
    public ServerTrust(ElasticsearchOptions options)
    {
        _insecure = options.IsInsecure;
        _fingerprint = options.Fingerprint.Length > 0 ? ParseFingerprint(options.Fingerprint) : null;
        _authorities = options.CaFile.Length > 0 ? Load(options.CaFile) : null;
    }

    /// <summary>The 32 bytes of a fingerprint in hex, with or without colons; null where it is none.</summary>
    public static byte[]? ParseFingerprint(string text)
    {
        var hex = text.Replace(":", "", StringComparison.Ordinal).Trim();
        return hex.Length == 64 && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex) : null;
    }

    /// <summary>How connections are secured. The host's name is put in for each connection by the handler that makes it.</summary>
    public SslClientAuthenticationOptions SslOptions() => new()
    {
        CertificateChainPolicy = Policy(_authorities),
        RemoteCertificateValidationCallback = (stream, certificate, chain, problems) =>
            Accepts(((SslStream)stream).TargetHostName, certificate as X509Certificate2, chain, problems),
    };

    private static X509ChainPolicy Policy(X509Certificate2Collection? authorities)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        if (authorities is null) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    // Throws rather than returning false, so that the error that a person sees says which of the reasons it is.
    private bool Accepts(string host, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors problems)
    {
        if (_insecure) return true;
        if (certificate is null || chain is null) throw ElasticsearchErrors.CertificateUntrusted.Error($"{host} shows no certificate.");
        if (_fingerprint is not null) return AcceptsPinned(host, certificate, chain, problems);
        if (problems == SslPolicyErrors.None) return true;
        throw ProblemWith(host, certificate, chain, problems);
    }

    // The pinned certificate may be the server's own: then having its private key is enough. Or that of the authority: then the server's
    // must be signed by it, in date, and for this host; being sent along with the server's proves nothing.
    private bool AcceptsPinned(string host, X509Certificate2 certificate, X509Chain chain, SslPolicyErrors problems)
    {
        if (Matches(certificate)) return true;
        var sent = chain.ChainPolicy.ExtraStore.Concat(chain.ChainElements.Select(e => e.Certificate));
        if (sent.FirstOrDefault(Matches) is not { } authority)
        {
            throw ElasticsearchErrors.CertificateFingerprint.Error($"{host} shows a certificate with the fingerprint {FingerprintOf(certificate)}.");
        }

        using var pinned = new X509Chain { ChainPolicy = Policy([authority]) };
        pinned.ChainPolicy.ExtraStore.AddRange(chain.ChainPolicy.ExtraStore);
        var signed = pinned.Build(certificate);
        if (signed && !problems.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)) return true;
        throw ProblemWith(host, certificate, pinned, (problems & SslPolicyErrors.RemoteCertificateNameMismatch) | (signed ? SslPolicyErrors.None : SslPolicyErrors.RemoteCertificateChainErrors));
    }

    private bool Matches(X509Certificate2 certificate) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(certificate.RawData), _fingerprint);

    private static PipelineException ProblemWith(string host, X509Certificate2 certificate, X509Chain chain, SslPolicyErrors problems)
    {
        var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status);
        if (problems.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) && status.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            return ElasticsearchErrors.CertificateExpired.Error(
                $"The certificate of {host} is valid from {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} to {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm} (UTC).");
        }

        if (problems.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            return ElasticsearchErrors.CertificateUntrusted.Error(
                $"The certificate of {host} is {(certificate.Subject == certificate.Issuer ? "signed by itself" : $"signed by '{certificate.Issuer}', which this machine does not trust")}; its SHA-256 fingerprint is {FingerprintOf(certificate)}.");
        }

        return ElasticsearchErrors.CertificateHost.Error($"The certificate of {host} is for {NamesOf(certificate)}.");
    }

    private static string FingerprintOf(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    private static string NamesOf(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        string[] names = extension is null ? [] : [.. extension.EnumerateDnsNames(), .. extension.EnumerateIPAddresses().Select(a => a.ToString())];
        return names.Length > 0 ? string.Join(", ", names.Take(10)) : certificate.GetNameInfo(X509NameType.DnsName, forIssuer: false);
    }

    private static X509Certificate2Collection Load(string file)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            return authorities.Count > 0 ? authorities : throw new CryptographicException("it holds no certificate");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw ElasticsearchErrors.CertificateUntrusted.Error(
                $"The authorities in {file} can't be read: {e.Message}", "Give a PEM file with --es-ca that this user can read.", e);
        }
    }
}
