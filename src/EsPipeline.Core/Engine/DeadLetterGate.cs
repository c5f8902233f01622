using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Engine;

/// <summary>Sets records aside for one run, and stops the run when there are more than it was told to bear.</summary>
/// <param name="letters">The job's dead letters.</param>
/// <param name="job">The job's name.</param>
/// <param name="most">How many letters this run may write.</param>
/// <param name="time">The clock.</param>
/// <param name="settleAs">How a letter is settled when its key is written.</param>
internal sealed class DeadLetterGate(DeadLetterFile letters, string job, long most, TimeProvider time, string settleAs = "superseded")
{
    private long _count;

    /// <summary>Sets aside what a source found malformed; durable on return.</summary>
    public Task SetAsideAsync(PartitionId partition, RecordBatch batch, CancellationToken ct) => AppendAsync(
        [.. batch.Malformed.Select(m => new DeadLetter
        {
            Job = job,
            Partition = partition.Value,
            Position = batch.End.Value,
            Place = batch.PlaceOf(m.Place),
            Key = m.Key,
            Document = m.Raw,
            Malformed = true,
            Code = m.Error.Code,
            Reason = m.Reason,
            Time = time.GetUtcNow(),
        })],
        ct);

    /// <summary>A letter for a record that was refused.</summary>
    public DeadLetter LetterFor(in Record record, InFlightBatch owner, string code, string reason, int attempts) => new()
    {
        Job = job,
        Partition = owner.Partition.Value,
        Position = owner.Batch.End.Value,
        Place = owner.Batch.PlaceOf(record.Place),
        Key = record.Key,
        Operation = record.Operation,
        Version = record.Version,
        Document = record.Json,
        Code = code,
        Reason = reason,
        Attempts = attempts,
        Time = time.GetUtcNow(),
    };

    /// <summary>Sets letters aside; durable on return.</summary>
    /// <exception cref="Errors.PipelineException"><see cref="DeadLetterErrors.TooMany"/>, after these were written.</exception>
    public async Task AppendAsync(IReadOnlyList<DeadLetter> set, CancellationToken ct)
    {
        await letters.AppendAsync(set, ct).ConfigureAwait(false);
        if (Interlocked.Add(ref _count, set.Count) <= most) return;
        throw DeadLetterErrors.TooMany.Error(
            $"More than {most} records were refused for good; the last one, {set[^1].Place}: {set[^1].Reason} ({set[^1].Code}).");
    }

    /// <summary>Newer records of these keys are in the sink: letters that they have are settled.</summary>
    /// <param name="slice">The records of a write.</param>
    /// <param name="failed">The indexes of those that were not written, rising.</param>
    /// <param name="ct">Cancels before anything is written.</param>
    public async Task SupersedeAsync(RecordSlice slice, IReadOnlyList<int> failed, CancellationToken ct)
    {
        if (letters.OpenCount == 0) return;
        var next = 0;
        for (var i = 0; i < slice.Count; i++)
        {
            if (next < failed.Count && failed[next] == i) next++;
            else if (letters.HasOpen(slice[i].Key.Span)) await letters.SettleKeyAsync(slice[i].Key, settleAs, ct).ConfigureAwait(false);
        }
    }
}
