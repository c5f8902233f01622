using EsPipeline.Core.Planning;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Verification;

/// <summary>What comparing two ends came to.</summary>
public sealed record VerifyResult
{
    /// <summary>Records read at the source, malformed ones and those of keys that come again included.</summary>
    public required long Read { get; init; }

    /// <summary>Records that a rule leaves out.</summary>
    public required long Filtered { get; init; }

    /// <summary>Documents that the sink holds, as far as they are this job's.</summary>
    public required long There { get; init; }

    /// <summary>Keys whose documents are the same at both ends.</summary>
    public required long Equal { get; init; }

    /// <summary>Keys of the source that the sink does not have.</summary>
    public required KeyGroup Missing { get; init; }

    /// <summary>Keys whose documents differ.</summary>
    public required KeyGroup Different { get; init; }

    /// <summary>Keys of the sink that the source does not have; null where that can't be told, because the job copies a part of the source only.</summary>
    public required KeyGroup? Extra { get; init; }

    /// <summary>Records that the sink does not take, by cause, the most frequent first. What it holds under their keys is not compared.</summary>
    public required IReadOnlyList<ProblemGroup> Unwritable { get; init; }

    /// <summary>Things in the sink that can't be read so far as to know their keys, such as a broken line of a file.</summary>
    public required long Unreadable { get; init; }

    /// <summary>Keys that differed at first and no longer when they were looked at again; null where none had to be.</summary>
    public long? Settled { get; init; }

    /// <summary>What was repaired and deleted; null where nothing was asked for, or nothing had to be.</summary>
    public RepairResult? Repair { get; init; }

    /// <summary>What a person should know, a sentence each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>True where both ends are the same now, and every record of the source is in the sink.</summary>
    public bool IsClean => Unwritable.Count == 0 && Unreadable == 0 && (Repair is { } repair
        ? repair.Left == 0 && (repair.ExtraLeft is null or 0)
        : Missing.Count + Different.Count + (Extra?.Count ?? 0) == 0);
}

/// <summary>Keys that stand alike.</summary>
/// <param name="Count">How many.</param>
/// <param name="Examples">The first of them, by their bytes.</param>
public sealed record KeyGroup(long Count, IReadOnlyList<KeyExample> Examples);

/// <summary>One key.</summary>
/// <param name="Key">The key, its beginning where it is long.</param>
/// <param name="Differences">What differs, a line each; for documents that differ and were kept for showing.</param>
public sealed record KeyExample(string Key, IReadOnlyList<string> Differences);

/// <summary>What repairing came to.</summary>
/// <param name="Account">What was read again at the source or found to be deleted, and what became of it.</param>
/// <param name="Deleted">How many of them were deletes.</param>
/// <param name="Left">Keys that still are missing or differ.</param>
/// <param name="ExtraLeft">Keys that still are extra; null where that can't be told.</param>
public sealed record RepairResult(AccountTotals Account, long Deleted, long Left, long? ExtraLeft);
