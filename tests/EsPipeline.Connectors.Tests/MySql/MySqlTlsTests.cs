using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Whose certificates are trusted, and what is said of the others.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlTlsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("good", "")]
    [InlineData("unknown authority", "mysql.tls_unknown_authority")]
    [InlineData("self-signed", "mysql.tls_self_signed")]
    [InlineData("expired", "mysql.tls_expired")]
    [InlineData("other host", "mysql.tls_wrong_host")]
    public async Task Each_way_to_be_wrong_has_its_own_message(string what, string code)
    {
        using var certificates = new TestCertificates();
        var (certificate, key) = what switch
        {
            "self-signed" => certificates.Make("localhost", selfSigned: true),
            "expired" => certificates.Make("localhost", expired: true),
            "other host" => certificates.Make("elsewhere.test"),
            _ => certificates.Make("localhost"),
        };
        await using var server = await MariaDbServer.StartAsync(Ct, $"--ssl-cert={certificate}", $"--ssl-key={key}");
        var problem = await ProblemAsync(server.Options with
        {
            Host = "localhost",
            Tls = MySqlTls.Verify,
            CertificateAuthority = what == "unknown authority" ? null : certificates.AuthorityFile,
        });
        if (code.Length == 0) Assert.Null(problem);
        else Assert.Equal((code, FailureKind.Environment), (problem?.Code, problem?.Kind));

        // Against listening alone any certificate will do.
        Assert.Null(await ProblemAsync(server.Options with { Host = "localhost", Tls = MySqlTls.Required }));
    }

    [Theory]
    [InlineData(MySqlTls.Verify)]
    [InlineData(MySqlTls.Required)]
    public async Task A_server_without_tls_is_not_spoken_to_in_the_open(MySqlTls tls)
    {
        await using var server = await MariaDbServer.StartAsync(Ct, "--skip-ssl");
        Assert.Equal(MySqlErrors.NoTls, (await ProblemAsync(server.Options with { Host = "localhost", Tls = tls }))?.Error);
    }

    [Theory]
    [InlineData("db.example.org", MySqlTls.Verify)]
    [InlineData("10.1.2.3", MySqlTls.Verify)]
    [InlineData("localhost", MySqlTls.Off)]
    [InlineData("127.0.0.1", MySqlTls.Off)]
    [InlineData("::1", MySqlTls.Off)]
    [InlineData("/run/mysqld/mysqld.sock", MySqlTls.Off)]
    public void Only_a_server_on_this_machine_is_trusted_unseen(string host, MySqlTls tls) => Assert.Equal(tls, new MySqlOptions { Host = host }.EffectiveTls);

    private static async Task<PipelineException?> ProblemAsync(MySqlOptions options)
    {
        await using var sink = new MySqlSink(
            new MySqlSinkOptions(options) { Database = "mysql", Table = "not_there" }, new Core.Configuration.RunOptions(), TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<MySqlSink>.Instance);
        return (await Health.OfAsync(sink)).Problem;
    }
}
