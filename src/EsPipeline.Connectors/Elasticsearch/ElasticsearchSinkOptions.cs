using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>When a search shows what was written.</summary>
public enum RefreshTime
{
    /// <summary>When the index refreshes itself, by its own <c>refresh_interval</c>.</summary>
    [AlsoKnownAs("false")]
    Interval,

    /// <summary>At the index's next refresh, for which each write waits.</summary>
    [AlsoKnownAs("wait-for")]
    Wait,

    /// <summary>At once: each write refreshes what it has written, which costs the server dearly.</summary>
    [AlsoKnownAs("true")]
    Now,
}

/// <summary>How an Elasticsearch or OpenSearch cluster is written to.</summary>
public sealed record ElasticsearchSinkOptions : ElasticsearchOptions
{
    /// <summary>What a new index is made like, and what an existing one is compared with.</summary>
    [Option("--es-mapping", "JSON file with the settings and mappings of the index; it is made like that, or compared with it where it exists",
        Environment = ["ES_MAPPING"], Value = "FILE", Default = "made from the source's field types")]
    public string MappingFile { get; init; } = "";

    /// <summary>The ingest pipeline.</summary>
    [Option("--es-pipeline", "Ingest pipeline that every document goes through", Environment = ["ES_PIPELINE"], Value = "NAME")]
    public string Pipeline { get; init; } = "";

    /// <summary>When a search shows what was written.</summary>
    [Option("--es-refresh", "When a search shows what was written: by the index's own interval, at its next refresh, which each write waits for, or at once",
        Environment = ["ES_REFRESH"])]
    public RefreshTime Refresh { get; init; } = RefreshTime.Interval;

    /// <summary>Whether the index keeps no replicas and refreshes never while everything is copied.</summary>
    [Option("--es-bulk-load", "While everything is copied for the first time, keep no replicas and do not refresh; afterwards the index has its settings back",
        Environment = ["ES_BULK_LOAD"])]
    public bool BulkLoad { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Mistakes()
    {
        foreach (var mistake in base.Mistakes()) yield return mistake;
        if (MappingFile.Length > 0 && IndexDefinition.MistakeInFile(MappingFile) is { } inFile) yield return $"--es-mapping: {inFile}";
        if (Pipeline.Contains('*', StringComparison.Ordinal) || Pipeline.Contains(',', StringComparison.Ordinal) || Pipeline.Any(char.IsControl))
        {
            yield return "--es-pipeline: it is not the name of one pipeline.";
        }

        if (BulkLoad && Refresh == RefreshTime.Wait)
        {
            yield return "--es-refresh wait: with --es-bulk-load the index does not refresh while everything is copied, so each write would wait for ever.";
        }
    }

    private protected override string? MistakeInIndex(string index) => IndexExpression.MistakeInTarget(index);
}
