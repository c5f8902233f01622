using EsPipeline.Core.Configuration;

namespace EsPipeline.Core.Engine;

/// <summary>
/// The records of one unit at which the sink breaks (<see cref="Errors.ErrorCode.MayBlameRecord"/>), so that one that it never takes does not
/// hold up all others for ever. A record is to blame when it has failed at its first try and at every retry that the options allow, and either
/// others were taken meanwhile, or it was sent alone for as long as the retry budget: with all of several failing, it may be the sink.
/// </summary>
/// <param name="options">How often, and how long.</param>
/// <param name="time">The clock.</param>
internal sealed class SuspectRecords(RetryOptions options, TimeProvider time)
{
    private readonly Dictionary<int, Suspect> _suspects = [];

    /// <summary>True where the last failures noted came while others were taken: the sink as a whole is not down.</summary>
    public bool OthersAreTaken { get; private set; }

    /// <summary>Notes a failure.</summary>
    /// <param name="index">The record's index in the unit.</param>
    /// <param name="alone">It was the only one of its write.</param>
    /// <param name="takenBefore">Records that the sink had taken before this write was answered, by all writers.</param>
    /// <param name="taken">And after it.</param>
    /// <returns>True where the record is to blame.</returns>
    public bool Blames(int index, bool alone, long takenBefore, long taken)
    {
        var suspect = _suspects.GetValueOrDefault(index, new Suspect(0, time.GetTimestamp(), takenBefore));
        suspect = _suspects[index] = suspect with { Failures = suspect.Failures + 1 };
        OthersAreTaken = taken > suspect.TakenBefore;
        return suspect.Failures > options.MaxRetries && (OthersAreTaken || (alone && time.GetElapsedTime(suspect.Since) > options.Budget));
    }

    private readonly record struct Suspect(int Failures, long Since, long TakenBefore);
}
