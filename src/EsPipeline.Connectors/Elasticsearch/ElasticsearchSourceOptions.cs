using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>How changes are found.</summary>
public enum FollowWay
{
    /// <summary>By sequence numbers: nothing is missed.</summary>
    SeqNo,

    /// <summary>By a time field: what arrives later than <c>--overlap</c> is missed.</summary>
    Timestamp,
}

/// <summary>What a document is.</summary>
public enum Envelope
{
    /// <summary>The document as it was indexed.</summary>
    Source,

    /// <summary>The hit around it.</summary>
    Hit,
}

/// <summary>What a record's key is.</summary>
public enum KeyForm
{
    /// <summary><c>_id</c>.</summary>
    Id,

    /// <summary>The index's name, a slash, and <c>_id</c>.</summary>
    IndexId,

    /// <summary>
    /// The index's name, a slash, the document's routing, a slash, and <c>_id</c>; a slash in the routing is <c>%2F</c> there, a percent sign
    /// <c>%25</c>, and a document without one has nothing between the slashes.
    /// </summary>
    IndexRoutingId,
}

/// <summary>How an Elasticsearch or OpenSearch cluster is read.</summary>
public sealed record ElasticsearchSourceOptions : ElasticsearchOptions
{
    /// <summary>Options as they are when nothing is given.</summary>
    public ElasticsearchSourceOptions()
    {
    }

    /// <summary>Options that read where others write.</summary>
    internal ElasticsearchSourceOptions(ElasticsearchSinkOptions sink)
        : base(sink)
    {
    }

    /// <summary>How changes are found.</summary>
    [Option("--es-follow", "How changes are found: by sequence number, which misses nothing, or by --timestamp-field, which misses what arrives later than --overlap",
        Environment = ["ES_FOLLOW"], Identity = true)]
    public FollowWay Follow { get; init; } = FollowWay.SeqNo;

    /// <summary>What a document is.</summary>
    [Option("--es-envelope", "What a document is: what was indexed, or the whole hit with _index, _id and _source", Environment = ["ES_ENVELOPE"], Identity = true)]
    public Envelope Envelope { get; init; } = Envelope.Source;

    /// <summary>What a record's key is.</summary>
    [Option("--es-key", "What a record's key is: _id, where of documents in several indices with the same one the last read stays, or index/_id, which keeps them apart, or index/routing/_id, which keeps those apart, too, that have the same one in an index under several routings",
        Environment = ["ES_KEY"], Identity = true)]
    public KeyForm Key { get; init; } = KeyForm.Id;

    private protected override string? MistakeInIndex(string index) => IndexExpression.MistakeIn(index);
}
