using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Firestore;

/// <summary>How a collection is written.</summary>
public sealed record FirestoreSinkOptions : FirestoreOptions
{
    /// <summary>Writes a second to begin with.</summary>
    [Option("--firestore-rate", "Writes a second to begin with; grows by half every 5 minutes, as Firestore asks its clients to", Min = 1, Max = 1_000_000)]
    public double Rate { get; init; } = 500;

    /// <summary>Writes a second at most.</summary>
    [Option("--firestore-max-rate", "Writes a second at most", Min = 1, Max = 1_000_000)]
    public double MaxRate { get; init; } = 10_000;

    /// <inheritdoc/>
    public override IEnumerable<string> Mistakes()
    {
        foreach (var mistake in base.Mistakes()) yield return mistake;
        if (Rate > MaxRate) yield return $"--firestore-rate: it begins at {Rate} writes a second, above --firestore-max-rate {MaxRate}.";
    }
}
