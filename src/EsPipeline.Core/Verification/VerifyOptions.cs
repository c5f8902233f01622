using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>What a comparison is asked to do.</summary>
public sealed record VerifyOptions
{
    /// <summary>The part of all keys that the job copies.</summary>
    public Shard Shard { get; init; } = new(0, 1);

    /// <summary>The job's dead letters, which explain what is missing; null for none.</summary>
    public string? DeadLetterPath { get; init; }

    /// <summary>Write what is missing and what differs.</summary>
    public bool Repair { get; init; }

    /// <summary>Delete what is extra, but at most so many documents; null to delete nothing.</summary>
    public long? MaxDeletes { get; init; }

    /// <summary>Keys of each kind to show.</summary>
    public int Examples { get; init; } = 10;

    /// <summary>Bytes of keys and hashes that are kept in memory for each end; what exceeds them goes into a temporary file.</summary>
    public long MemoryBytes { get; init; } = 16 << 20;
}
