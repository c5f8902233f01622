namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>How large the steps are in which a cluster is read. Nobody has to choose them; tests take small ones.</summary>
internal sealed record SourceTuning
{
    /// <summary>What suits every cluster.</summary>
    public static SourceTuning Default { get; } = new();

    /// <summary>The most documents in a page.</summary>
    public int MostDocuments { get; init; } = SequenceWindow.MostDocuments;

    /// <summary>The fewest sequence numbers in a part of a shard; a smaller part costs more in views and requests than it gains.</summary>
    public long LeastSpan { get; init; } = 50_000;

    /// <summary>How long the client waits.</summary>
    public ClientPatience Patience { get; init; } = ClientPatience.Default;
}
