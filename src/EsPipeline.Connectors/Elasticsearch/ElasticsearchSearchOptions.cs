namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>How a cluster is searched by whoever says with each request which index is meant.</summary>
public sealed record ElasticsearchSearchOptions : ElasticsearchOptions
{
    private protected override string? MistakeInIndex(string index) => IndexExpression.MistakeIn(index);
}
