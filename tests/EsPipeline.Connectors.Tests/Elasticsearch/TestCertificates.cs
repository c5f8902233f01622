using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>An authority of the tests' own, and certificates signed by it or by nobody, as PEM files in a folder.</summary>
internal sealed class TestCertificates : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly string _folder = Directory.CreateTempSubdirectory("espipe-certificates-").FullName;
    private readonly X509Certificate2 _authority;

    public TestCertificates()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=espipe test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _authority = request.CreateSelfSigned(Now.AddYears(-2), Now.AddYears(2));
        AuthorityFile = Write("authority.crt", _authority.ExportCertificatePem());
    }

    /// <summary>The authority's certificate.</summary>
    public string AuthorityFile { get; }

    /// <summary>The authority's fingerprint.</summary>
    public string AuthorityFingerprint => FingerprintOf(AuthorityFile);

    public static string FingerprintOf(string file)
    {
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
        return certificate.GetCertHashString(HashAlgorithmName.SHA256);
    }

    /// <summary>A certificate for a host, signed by the authority unless it is to sign itself; the file holds the authority's after it.</summary>
    public (string Certificate, string Key) Make(string host, bool selfSigned = false, bool expired = false)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        var (from, to) = expired ? (Now.AddYears(-1), Now.AddDays(-1)) : (Now.AddDays(-1), Now.AddYears(1));
        using var certificate = selfSigned ? request.CreateSelfSigned(from, to) : request.Create(_authority, from, to, Guid.NewGuid().ToByteArray());
        var name = $"{host}-{(selfSigned ? "self" : "signed")}-{(expired ? "expired" : "valid")}";
        return (
            Write(name + ".crt", certificate.ExportCertificatePem() + (selfSigned ? "" : "\n" + _authority.ExportCertificatePem())),
            Write(name + ".key", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
