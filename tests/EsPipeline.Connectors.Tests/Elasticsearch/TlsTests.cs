using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Whose certificates are trusted, and what is said of the others.</summary>
public sealed class TlsTests(SecuredServer secured)
{
    [Fact]
    public async Task A_certificate_that_the_given_authority_signed_is_trusted()
    {
        var options = await secured.OptionsAsync("any*");
        Assert.Null(await ProblemAsync(options));
    }

    [Fact]
    public async Task A_certificate_that_nobody_known_signed_is_refused_with_its_fingerprint()
    {
        var options = await secured.OptionsAsync("any*") with { CaFile = "" };
        var problem = await ProblemAsync(options);
        Assert.Equal(("elasticsearch.certificate_untrusted", FailureKind.Environment), (problem?.Code, problem?.Kind));
        Assert.Contains("espipe test authority", problem!.Message, StringComparison.Ordinal);
        Assert.Matches("fingerprint is [0-9a-f]{64}", problem.Message);
    }

    [Fact]
    public async Task A_pinned_certificate_is_trusted_whether_it_is_the_servers_or_the_authoritys()
    {
        var options = await secured.OptionsAsync("any*") with { CaFile = "" };
        var own = TestCertificates.FingerprintOf(secured.Certificates.Make("another").Certificate);
        Assert.Null(await ProblemAsync(options with { Fingerprint = secured.Certificates.AuthorityFingerprint }));
        Assert.Null(await ProblemAsync(options with { Fingerprint = string.Join(':', secured.Certificates.AuthorityFingerprint.ToLowerInvariant().Chunk(2).Select(c => new string(c))) }));
        var problem = await ProblemAsync(options with { Fingerprint = own });
        Assert.Equal("elasticsearch.certificate_fingerprint", problem?.Code);
    }

    [Fact]
    public async Task The_pinned_authority_does_not_make_another_host_trusted()
    {
        var options = await secured.OptionsAsync("any*");
        var elsewhere = options with { Url = options.Url.Replace("localhost", "127.0.0.1", StringComparison.Ordinal) };
        var byFile = await ProblemAsync(elsewhere);
        var pinned = await ProblemAsync(elsewhere with { CaFile = "", Fingerprint = secured.Certificates.AuthorityFingerprint });
        Assert.Equal(("elasticsearch.certificate_host", "elasticsearch.certificate_host"), (byFile?.Code, pinned?.Code));
        Assert.Contains("is for localhost", byFile!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("self-signed", "elasticsearch.certificate_untrusted", "signed by itself")]
    [InlineData("expired", "elasticsearch.certificate_expired", "valid from")]
    [InlineData("other host", "elasticsearch.certificate_host", "is for elsewhere.test")]
    public async Task Each_way_to_be_wrong_has_its_own_message(string what, string code, string said)
    {
        var files = what switch
        {
            "expired" => secured.Certificates.Make("localhost", expired: true),
            "other host" => secured.Certificates.Make("elsewhere.test"),
            _ => secured.Certificates.Make("localhost", selfSigned: true),
        };

        await using var server = new TlsEndpoint(files);
        var problem = await ProblemAsync(new ElasticsearchSourceOptions { Url = server.Address, Index = "a", CaFile = secured.Certificates.AuthorityFile });
        Assert.Equal((code, FailureKind.Environment), (problem?.Code, problem?.Kind));
        Assert.Contains(said, problem!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_pinned_authority_sent_along_with_a_certificate_that_it_did_not_sign_proves_nothing()
    {
        // Anybody can send the authority's certificate: it is no secret.
        using var authority = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(secured.Certificates.AuthorityFile, Sources.Ct));
        using var forged = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(secured.Certificates.Make("localhost", selfSigned: true).Certificate, Sources.Ct));
        var trust = new ServerTrust(new ElasticsearchSourceOptions { Fingerprint = secured.Certificates.AuthorityFingerprint });
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ExtraStore.Add(authority);
        chain.Build(forged);
        await using var connection = new SslStream(new MemoryStream());
        var refused = Assert.Throws<PipelineException>(
            () => trust.SslOptions().RemoteCertificateValidationCallback!(connection, forged, chain, SslPolicyErrors.RemoteCertificateChainErrors));
        Assert.Equal("elasticsearch.certificate_untrusted", refused.Code);
    }

    [Fact]
    public async Task Not_verifying_works_and_is_warned_of_every_time()
    {
        var options = await secured.OptionsAsync("any*") with { CaFile = "", Insecure = true };
        foreach (var _ in (int[])[1, 2])
        {
            await using var source = Sources.Open(options);
            var health = await Health.OfAsync(source);
            Assert.Null(health.Problem);
            Assert.Contains(health.Warnings, w => w.Contains("not verified", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Plain_HTTP_to_a_TLS_port_is_told_as_that()
    {
        var options = await secured.OptionsAsync("any*");
        var problem = await ProblemAsync(options with { Url = options.Url.Replace("https", "http", StringComparison.Ordinal), CaFile = "" });
        Assert.Equal(("elasticsearch.needs_tls", FailureKind.Environment), (problem?.Code, problem?.Kind));
    }

    [Fact]
    public async Task TLS_to_a_plain_port_is_told_as_that()
    {
        await using var server = await ElasticsearchServer.StartAsync(ServerKind.Elasticsearch, Sources.Ct);
        var problem = await ProblemAsync(new ElasticsearchSourceOptions { Url = server.Address.ToString().Replace("http", "https", StringComparison.Ordinal), Index = "a" });
        Assert.Equal(("elasticsearch.not_tls", FailureKind.Environment), (problem?.Code, problem?.Kind));
    }

    private static async Task<PipelineException?> ProblemAsync(ElasticsearchSourceOptions options)
    {
        await using var source = Sources.Open(options);
        var problem = (await Health.OfAsync(source)).Problem;
        if (problem is not null) Assert.DoesNotContain(SecuredServer.Password, problem.ToString(), StringComparison.Ordinal);
        return problem;
    }
}
