using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Sinks;

/// <summary>Why one record of a slice was not written.</summary>
/// <param name="Index">The record's index in the slice.</param>
/// <param name="Error">The kind of error; its kind says what the engine does about it.</param>
/// <param name="Reason">One sentence with the system's own words, without secrets.</param>
/// <param name="RetryAfter">How long the system asked to wait; null where it did not.</param>
public readonly record struct RecordFailure(int Index, ErrorCode Error, string Reason, TimeSpan? RetryAfter = null);

/// <summary>A sink's answer for every record of a slice: written + unchanged + failures = the slice's count.</summary>
/// <param name="Written">Records inserted, replaced or deleted.</param>
/// <param name="Unchanged">Records that the sink already held as they are, or in a newer version.</param>
/// <param name="Failures">Each record that was not written, once, by rising index.</param>
public readonly record struct WriteResult(int Written, int Unchanged, IReadOnlyList<RecordFailure> Failures)
{
    /// <summary>Everything was written.</summary>
    public static WriteResult All(int count) => new(count, 0, []);
}
