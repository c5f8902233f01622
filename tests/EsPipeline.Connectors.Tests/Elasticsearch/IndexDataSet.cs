using System.Net;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>An index with documents to read. Nothing of them is mapped but their time, so that it takes whatever they hold.</summary>
internal sealed class IndexDataSet : SourceDataSet
{
    private const string Mapping = """{"dynamic":"false","properties":{"@timestamp":{"type":"date"}}}""";

    private IndexDataSet(TestIndex index) => Index = index;

    public TestIndex Index { get; }

    public override IPEndPoint Server => new(IPAddress.Loopback, Index.Server.Address.Port);

    public static async Task<IndexDataSet> SeedAsync(ElasticsearchServer server, IReadOnlyList<Document> documents, int shards, CancellationToken ct)
    {
        var set = new IndexDataSet(await TestIndex.CreateAsync(server, shards, Mapping));
        await set.PutAsync(documents, ct);
        return set;
    }

    public override IDataSource Open(SourceKnobs knobs) => Open(knobs, knobs.Through is { } through ? $"http://{through}" : null);

    /// <summary>Opens a source at another address.</summary>
    public ElasticsearchSource Open(SourceKnobs knobs, string? url) => new(
        url is null ? Index.Options : Index.Options with { Url = url },
        new RunOptions(),
        TimeProvider.System,
        NullLogger<ElasticsearchSource>.Instance,
        new SourceTuning
        {
            MostDocuments = knobs.PageSize,
            LeastSpan = 10,
            Patience = knobs.Timeout is { } timeout ? new ClientPatience(timeout, timeout, timeout) : ClientPatience.Default,
        });

    // Not refreshed: that what is written is seen is the source's business.
    public override Task PutAsync(IReadOnlyList<Document> documents, CancellationToken ct) =>
        Index.PutAsync(documents.Select(d => (d.Key, d.Json)), refresh: false);

    public override async ValueTask DisposeAsync()
    {
        await Index.DisposeAsync();
        await base.DisposeAsync();
    }
}
