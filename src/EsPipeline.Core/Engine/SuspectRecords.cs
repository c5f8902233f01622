using EsPipeline.Core.Configuration;

namespace EsPipeline.Core.Engine;

/// <summary>
/// The records of one unit at which the sink breaks (<see cref="Errors.ErrorCode.MayBlameRecord"/>), so that one that it never takes does not
/// hold up all others for ever. A record is to blame when it has failed at its first try and at every retry that the options allow while the
/// sink took other records at the time; where nothing else was ever taken of the unit, when it was sent alone for as long as the retry
/// budget. Whatever else fails may be the sink, which is an outage however many records it has taken before.
/// </summary>
/// <param name="options">How often, and how long.</param>
/// <param name="time">The clock.</param>
internal sealed class SuspectRecords(RetryOptions options, TimeProvider time)
{
    private readonly Dictionary<int, Suspect> _suspects = [];

    /// <summary>True where the last failure noted came while others were taken: the sink as a whole is not down.</summary>
    public bool OthersAreTaken { get; private set; }

    /// <summary>True where some records of a write have failed so, and the sink has taken none since they did the last time.</summary>
    /// <param name="indexes">The records' indexes in the unit.</param>
    /// <param name="takenBefore">Records that the sink had taken before this write was answered, by all writers.</param>
    /// <param name="taken">And after it.</param>
    public bool NeedsEvidence(IEnumerable<int> indexes, long takenBefore, long taken) =>
        indexes.Any(i => taken == _suspects.GetValueOrDefault(i, new Suspect(0, 0, 0, takenBefore)).Taken);

    /// <summary>Notes a failure.</summary>
    /// <param name="index">The record's index in the unit.</param>
    /// <param name="alone">It was the only one of its write, and there is no other of the unit that the sink has taken.</param>
    /// <param name="takenBefore">Records that the sink had taken before this write was answered, by all writers.</param>
    /// <param name="taken">And after it.</param>
    /// <returns>True where the record is to blame.</returns>
    public bool Blames(int index, bool alone, long takenBefore, long taken)
    {
        var suspect = _suspects.GetValueOrDefault(index, new Suspect(0, 0, time.GetTimestamp(), takenBefore));
        OthersAreTaken = taken > suspect.Taken;
        suspect = _suspects[index] = suspect with { Failures = suspect.Failures + 1, Proven = suspect.Proven + (OthersAreTaken ? 1 : 0), Taken = taken };
        return suspect.Proven > options.MaxRetries
            || (alone && suspect.Failures > options.MaxRetries && time.GetElapsedTime(suspect.Since) > options.Budget);
    }

    /// <summary>A record that has failed.</summary>
    /// <param name="Failures">How often.</param>
    /// <param name="Proven">How often while others were taken.</param>
    /// <param name="Since">Since when.</param>
    /// <param name="Taken">Records that the sink had taken when it failed the last time.</param>
    private readonly record struct Suspect(int Failures, int Proven, long Since, long Taken);
}
