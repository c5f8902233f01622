using System.Net;
using System.Text.Json;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>An index to write to, which the sink makes and the test removes. It maps two fields, and takes every other without looking at it.</summary>
internal sealed class IndexTarget(ElasticsearchServer server, SecuredServer? secured = null) : SinkTarget
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Its mapping, as <c>--es-mapping</c> takes it.</summary>
    public const string Mapping = """{"dynamic":"false","properties":{"only_a_date":{"type":"date"},"only_a_number":{"type":"integer"}}}""";

    public string Name { get; } = $"sink-{Guid.NewGuid():n}";

    public ElasticsearchServer Host => server;

    public override IPEndPoint Server => new(IPAddress.Loopback, server.Address.Port);

    public override IReadOnlyList<RefusedDocument> Refused { get; } =
    [
        new(new Document("bad-date", """{"only_a_date":"yesterday"}"""), "only_a_date"),
        new(new Document("bad-number", """{"only_a_number":"many"}"""), "only_a_number"),
        new(new Document(new string('k', 513), "{}"), "at most 512"),
    ];

    /// <summary>Options of a sink that writes here.</summary>
    public ElasticsearchSinkOptions Options => new() { Url = server.Address.ToString(), Index = Name, MappingFile = FileOf(Mapping) };

    public override IDataSink Open(SinkKnobs knobs)
    {
        var options = knobs.Through is { } through ? Options with { Url = $"http://{through}" } : Options;
        return Open(options, knobs.Timeout is { } timeout ? new ClientPatience(timeout, timeout, timeout) : null);
    }

    public static ElasticsearchSink Open(ElasticsearchSinkOptions options, ClientPatience? patience = null, ILogger? log = null) =>
        new(options, TimeProvider.System, log ?? NullLogger.Instance, patience ?? ClientPatience.Default);

    /// <summary>A file with a mapping.</summary>
    public string FileOf(string json)
    {
        var path = _folder.File($"{json.GetHashCode(StringComparison.Ordinal):x8}.json");
        File.WriteAllText(path, json);
        return path;
    }

    public override async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken ct)
    {
        await Api.SendAsync(server, HttpMethod.Post, $"{Name}/_refresh");
        var documents = new Dictionary<string, string>();
        var page = await Api.SendAsync(server, HttpMethod.Post, $"{Name}/_search?scroll=1m", """{"size":1000,"sort":["_doc"]}""");
        while (page.GetProperty("hits").GetProperty("hits") is var hits && hits.GetArrayLength() > 0)
        {
            foreach (var hit in hits.EnumerateArray()) documents.Add(hit.GetProperty("_id").GetString()!, hit.GetProperty("_source").GetRawText());
            page = await Api.SendAsync(
                server, HttpMethod.Post, "_search/scroll", JsonSerializer.Serialize(new { scroll = "1m", scroll_id = page.GetProperty("_scroll_id").GetString() }));
        }

        await Api.SendAsync(server, HttpMethod.Delete, "_search/scroll", JsonSerializer.Serialize(new { scroll_id = page.GetProperty("_scroll_id").GetString() }));
        return documents;
    }

    public override async Task<string> DescribeAsync(CancellationToken ct) => (await Api.SendAsync(server, HttpMethod.Get, Name)).ToString();

    public override async Task<(IDataSink Sink, string Named)> OpenMisfitAsync(CancellationToken ct)
    {
        await Api.SendAsync(server, HttpMethod.Put, Name, """{"mappings":{"properties":{"only_a_date":{"type":"keyword"},"only_a_number":{"type":"integer"}}}}""");
        return (Open(Options), "only_a_date");
    }

    public override async Task<IDataSink> OpenAsync(SinkFault fault, CancellationToken ct)
    {
        switch (fault)
        {
            case SinkFault.MissingTarget:
                return Open(Options with { Pipeline = "there-is-none" });
            case SinkFault.FullDisk:
                await Api.SendAsync(server, HttpMethod.Put, Name, $$$"""{"mappings":{{{Mapping}}},"settings":{"index.blocks.read_only_allow_delete":true}}""");
                return Open(Options);
            default:
                var options = await secured!.OptionsAsync(Name);
                return Open(Options with { Url = options.Url, CaFile = options.CaFile, User = options.User, Password = new Secret("wrong") });
        }
    }

    public override async Task CrashServerAsync(CancellationToken ct)
    {
        await server.KillAsync(ct);
        await server.StartAgainAsync(ct);
        await Api.SendAsync(server, HttpMethod.Get, $"_cluster/health/{Name}?wait_for_status=yellow&timeout=80s");
    }

    public override async ValueTask DisposeAsync()
    {
        _folder.Dispose();
        using var response = await server.Http.DeleteAsync(new Uri(Name + "?ignore_unavailable=true", UriKind.Relative));
        await base.DisposeAsync();
    }
}
