using System.Security.Cryptography.X509Certificates;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Signing in as MySQL 8 wants it unless told otherwise.</summary>
public sealed class MySql8SignInTests
{
    private const string Password = "gehéim 'x'";

    [Fact]
    public async Task A_server_that_remembers_the_account_gets_the_scrambled_password_only()
    {
        using var door = new MySql8Door(Password, Sha2Way.Remembered);
        Assert.Equal(["scrambled password"], await SignInAsync(door, options => options));
    }

    [Fact]
    public async Task Without_TLS_the_password_is_encrypted_with_the_server_s_key()
    {
        using var door = new MySql8Door(Password, Sha2Way.Full);
        Assert.Equal(["scrambled password", "asked for the key", "password"], await SignInAsync(door, options => options));
    }

    [Fact]
    public async Task Over_TLS_the_password_goes_through_the_encrypted_connection()
    {
        using var certificates = new TestCertificates();
        var (file, key) = certificates.Make("localhost");
        using var certificate = X509Certificate2.CreateFromPemFile(file, key);
        using var door = new MySql8Door(Password, Sha2Way.Full, certificate);
        var steps = await SignInAsync(door, options => options with { Host = "localhost", Tls = MySqlTls.Verify, CertificateAuthority = certificates.AuthorityFile });
        Assert.Equal(["TLS", "scrambled password", "password"], steps);
    }

    // The server refuses what comes after the sign-in, and that is what is told.
    private static async Task<IEnumerable<string>> SignInAsync(MySql8Door door, Func<MySqlSourceOptions, MySqlSourceOptions> with)
    {
        var ct = TestContext.Current.CancellationToken;
        var client = door.OpenAsync();
        var options = with(new MySqlSourceOptions { Port = door.Port, User = "app", Password = new Secret(Password), Database = "shop", Table = "orders" });
        await using var source = new MySqlSource(options, new RunOptions(), TimeProvider.System, NullLogger<MySqlSource>.Instance);
        var problem = (await source.CheckAsync(ct)).Problem;
        Assert.True(problem?.Error == MySqlErrors.NotAllowed, problem?.ToString());
        var steps = await client.WaitAsync(TimeSpan.FromMinutes(1), ct);
        Assert.Equal(MySqlServer.Question, steps[^1]);
        return steps[..^1];
    }
}
