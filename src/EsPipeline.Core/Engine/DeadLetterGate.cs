using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Engine;

/// <summary>Sets records aside for one run, and stops the run when there are more than it was told to bear.</summary>
/// <param name="letters">The job's dead letters.</param>
/// <param name="job">The job's name.</param>
/// <param name="sink">What the sink is known by, for who sends the letters again.</param>
/// <param name="most">How many records this run may set aside; one that is met again counts once.</param>
/// <param name="time">The clock.</param>
/// <param name="settleAs">How a letter is settled when its key is written.</param>
/// <param name="beforeSettling">Makes durable what the sink was given, where it is not on return; null where nothing has to be done.</param>
internal sealed class DeadLetterGate(
    DeadLetterFile letters, string job, string sink, long most, TimeProvider time, string settleAs, Func<CancellationToken, Task>? beforeSettling)
{
    private readonly HashSet<string> _met = new(StringComparer.Ordinal);

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
            Sink = sink,
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
        Sink = sink,
        Time = time.GetUtcNow(),
    };

    // They are on the disk even where they are too many.
    private async Task AppendAsync(List<DeadLetter> set, CancellationToken ct)
    {
        await letters.AppendAsync(set, ct).ConfigureAwait(false);
        if (most == long.MaxValue) return;
        lock (_met)
        {
            // Of several records of a key only the last letter stays open: one bad row that changed often is one.
            var later = new HashSet<byte[]>(KeyComparer.Instance);
            for (var i = set.Count - 1; i >= 0; i--)
            {
                if (set[i].Malformed || set[i].Key.IsEmpty || later.Add(set[i].Key.ToArray())) _met.Add(set[i].Id);
            }

            if (_met.Count <= most) return;
        }

        throw DeadLetterErrors.TooMany.Error(
            $"More than {most} records were refused for good; the last one, {set[^1].Place}: {set[^1].Reason} ({set[^1].Code}).");
    }

    /// <summary>
    /// Sets aside what was refused of a unit's records, and settles the letters of keys whose newer records are in the sink: in the order of
    /// the records, since a file is given every record of a key. Durable on return.
    /// </summary>
    /// <param name="slice">All records of the unit.</param>
    /// <param name="order">Their indexes, of each key an earlier record before a later one.</param>
    /// <param name="refused">The letters of those that were refused, by their index.</param>
    /// <param name="ct">Cancels before anything is written.</param>
    /// <exception cref="Errors.PipelineException"><see cref="DeadLetterErrors.TooMany"/>.</exception>
    public async Task SettleAsync(RecordSlice slice, IEnumerable<int> order, IReadOnlyDictionary<int, DeadLetter> refused, CancellationToken ct)
    {
        if (refused.Count == 0 && letters.OpenCount == 0) return;
        if (beforeSettling is not null) await beforeSettling(ct).ConfigureAwait(false);
        var set = new List<DeadLetter>();
        var keys = new HashSet<byte[]>(KeyComparer.Instance);
        foreach (var i in order)
        {
            if (refused.TryGetValue(i, out var letter))
            {
                set.Add(letter);
                keys.Add(letter.Key.ToArray());
                continue;
            }

            var key = slice[i].Key;
            if (keys.Count > 0 && keys.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(key.Span))
            {
                await AppendAsync(set, ct).ConfigureAwait(false);
                set.Clear();
                keys.Clear();
            }

            if (letters.HasOpen(key.Span)) await letters.SettleKeyAsync(key, settleAs, ct).ConfigureAwait(false);
        }

        if (set.Count > 0) await AppendAsync(set, ct).ConfigureAwait(false);
    }
}
