using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Planning;

/// <summary>What a run would do, found out by reading and transforming everything and writing nothing.</summary>
public sealed record RunPlan
{
    /// <summary>Records read, malformed ones included. Equal to <see cref="ToWrite"/> + <see cref="Filtered"/> + <see cref="Failing"/>.</summary>
    public required long Read { get; init; }

    /// <summary>Bytes of the keys and documents read.</summary>
    public required long BytesRead { get; init; }

    /// <summary>Records that the sink would be given and, as far as can be known, would take; those whose key comes again included.</summary>
    public required long ToWrite { get; init; }

    /// <summary>Bytes of the keys and documents to write, after the transform.</summary>
    public required long BytesToWrite { get; init; }

    /// <summary>Records that a rule leaves out.</summary>
    public required long Filtered { get; init; }

    /// <summary>Requests that the sink would send at the size that a run begins with; it sends fewer as it grows.</summary>
    public required long Requests { get; init; }

    /// <summary>Writes that the sink's system charges for; 0 where it charges for none.</summary>
    public required long BilledWrites { get; init; }

    /// <summary>Why records would be set aside, the most frequent cause first.</summary>
    public required IReadOnlyList<ProblemGroup> Problems { get; init; }

    /// <summary>Keys that come again; null where the source promises that none does.</summary>
    public DuplicateKeys? Duplicates { get; init; }

    /// <summary>What a person should know, a sentence each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>
    /// What is wrong with the sink as a whole. Of a transient kind: it was not reached, and records were checked as far as that is possible
    /// without it. Of another kind: a run would end with it at once. Null where all is well.
    /// </summary>
    public PipelineException? SinkProblem { get; init; }

    /// <summary>How long the run would take, and what that is taken from.</summary>
    public required RunEstimate Estimate { get; init; }

    /// <summary>Records that would be set aside.</summary>
    public long Failing => Problems.Sum(p => p.Count);
}

/// <summary>Records that would be set aside for one cause.</summary>
/// <param name="Error">The cause.</param>
/// <param name="Count">How many records.</param>
/// <param name="Worst">The largest of them, ten at most, in the order of their places.</param>
public sealed record ProblemGroup(ErrorCode Error, long Count, IReadOnlyList<FailingRecord> Worst)
{
    /// <summary>How options are called at the end that refuses them; null for their plain names.</summary>
    public PrefixedNames? Names { get; init; }

    /// <summary>What the cause means.</summary>
    public string Meaning => Names?.In(Error.Meaning) ?? Error.Meaning;

    /// <summary>What to do.</summary>
    public string Remedy => Names?.In(Error.Remedy) ?? Error.Remedy;
}

/// <summary>A record that would be set aside.</summary>
/// <param name="Key">Its key, as far as it has one.</param>
/// <param name="Place">Where it stands: <c>people.csv line 17</c>.</param>
/// <param name="Bytes">Bytes of key and document.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record FailingRecord(string Key, string Place, long Bytes, string Reason);

/// <summary>Keys that come more than once.</summary>
/// <param name="Count">Records whose key was there before.</param>
/// <param name="First">The first ten.</param>
/// <param name="Complete">False where there were more keys than are remembered, so that some may have been missed.</param>
/// <param name="KeepsFirst">True for a sink that keeps the first record of a key (a file); false for one that keeps the last.</param>
public sealed record DuplicateKeys(long Count, IReadOnlyList<DuplicateKey> First, bool Complete, bool KeepsFirst);

/// <summary>A key that came again.</summary>
/// <param name="Key">The key.</param>
/// <param name="FirstPlace">Where it stood first.</param>
/// <param name="Place">Where it came again.</param>
public sealed record DuplicateKey(string Key, string FirstPlace, string Place);

/// <summary>An estimate of how long a run takes.</summary>
/// <param name="Time">The longest of what could be measured or is known.</param>
/// <param name="Basis">What it is taken from, as a clause.</param>
public sealed record RunEstimate(TimeSpan Time, string Basis);
