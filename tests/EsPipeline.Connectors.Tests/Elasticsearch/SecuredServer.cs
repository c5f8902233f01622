using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Connectors.Tests.Elasticsearch;

[assembly: AssemblyFixture(typeof(SecuredServer))]

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>A server with users and TLS, started when the first test asks for it.</summary>
public sealed class SecuredServer : IAsyncDisposable
{
    /// <summary>A password that breaks whatever does not encode it.</summary>
    public const string Password = "S3cr3t!%40/:?#";

    private readonly TestCertificates _certificates = new();
    private readonly SemaphoreSlim _gate = new(1, 1);
    private ElasticsearchServer? _server;

    internal TestCertificates Certificates => _certificates;

    /// <summary>Options that reach it.</summary>
    internal async Task<ElasticsearchSourceOptions> OptionsAsync(string index) => new()
    {
        Url = (await ServerAsync()).Address.ToString(),
        Index = index,
        User = "elastic",
        Password = new Secret(Password),
        CaFile = _certificates.AuthorityFile,
    };

    internal async Task<ElasticsearchServer> ServerAsync()
    {
        await _gate.WaitAsync(Sources.Ct);
        try
        {
            if (_server is not null) return _server;
            _server = await ElasticsearchServer.StartAsync(
                ServerKind.Elasticsearch, Sources.Ct, new ServerStart { Password = Password, Tls = _certificates.Make("localhost"), Authority = _certificates.AuthorityFile });
            return _server;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Makes a user who has these privileges on these indices, and nothing else.</summary>
    internal async Task<ElasticsearchSourceOptions> UserAsync(ElasticsearchSourceOptions options, string names, params string[] privileges)
    {
        var user = $"user-{Guid.NewGuid():n}";
        var server = await ServerAsync();
        var list = string.Join(',', privileges.Select(p => $"\"{p}\""));
        await Api.SendAsync(server, HttpMethod.Put, $"_security/role/{user}", $$"""{"indices":[{"names":["{{names}}"],"privileges":[{{list}}]}]}""");
        await Api.SendAsync(server, HttpMethod.Put, $"_security/user/{user}", $$"""{"password":"{{Password}}","roles":["{{user}}"]}""");
        return options with { User = user };
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _gate.Dispose();
        _certificates.Dispose();
    }
}
