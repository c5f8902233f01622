using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Writes a unit until every record of it is written, unchanged or durably set aside: only records that failed are sent again, with
/// growing pauses, and only those that will never be taken go to the dead letters. One object serves all writers of a run.
/// </summary>
internal sealed class UnitWriter(
    IDataSink sink,
    AdaptiveSize size,
    RateLimiter rate,
    RetryPolicy retry,
    DeadLetterGate deadLetters,
    RunAccount account,
    TimeProvider time,
    PipelineMeter? meter = null)
{
    private long _taken;

    /// <exception cref="PipelineException">The sink can't be written to, the retry budget is spent, or too many records were set aside.</exception>
    public async Task WriteAsync(WriteUnit unit, CancellationToken ct)
    {
        var refused = new Dictionary<int, DeadLetter>();
        var pending = RefuseTooLarge(unit, refused);
        var attempts = retry.Begin();
        var suspects = new SuspectRecords(retry.Options, time);
        var tries = 0;
        while (pending is null || pending.Length > 0)
        {
            var slice = pending is null ? unit.Slice : unit.Slice.Pick(pending);
            if (tries++ > 0) account.AddRetries(slice.Count);
            await rate.TakeAsync(slice.Count, ct).ConfigureAwait(false);
            WriteResult result;
            try
            {
                result = await MeasuredWriteAsync(slice, ct).ConfigureAwait(false);
            }
            catch (PipelineException e) when (e.Kind != FailureKind.Permanent)
            {
                await attempts.AgainAsync(e, ct).ConfigureAwait(false);
                continue;
            }

            pending = await NoteAsync(unit, slice, pending, refused, result, attempts, suspects, tries, ct).ConfigureAwait(false);
        }

        await deadLetters.SettleAsync(unit.Slice, unit.InOrder, refused, ct).ConfigureAwait(false);
        unit.Finish(account);
    }

    private async Task<WriteResult> MeasuredWriteAsync(RecordSlice slice, CancellationToken ct)
    {
        var epoch = await size.EnterAsync(ct).ConfigureAwait(false);
        var started = time.GetTimestamp();
        try
        {
            var result = await sink.WriteAsync(slice, ct).ConfigureAwait(false);
            if (result.Written + result.Unchanged + result.Failures.Count != slice.Count)
            {
                throw new InvalidOperationException(
                    $"The sink answered for {result.Written} written, {result.Unchanged} unchanged and {result.Failures.Count} failed of {slice.Count} records.");
            }

            if (result.Failures.Any(f => f.Error is { Kind: FailureKind.Transient, MayBlameRecord: false })) size.Pressed(epoch);
            else size.Calm(epoch, slice.Count, time.GetElapsedTime(started));
            return result;
        }
        catch (PipelineException e) when (e.Kind == FailureKind.Transient)
        {
            size.Pressed(epoch);
            throw;
        }
        finally
        {
            size.Leave();
            meter?.Wrote(slice.Count, time.GetElapsedTime(started));
        }
    }

    /// <returns>The indexes in the unit that are to be sent again.</returns>
    private async Task<int[]> NoteAsync(
        WriteUnit unit,
        RecordSlice slice,
        int[]? sent,
        Dictionary<int, DeadLetter> refused,
        WriteResult result,
        RetryPolicy.Attempts attempts,
        SuspectRecords suspects,
        int tries,
        CancellationToken ct)
    {
        var taken = Interlocked.Add(ref _taken, slice.Count - result.Failures.Count);
        var takenBefore = taken - (slice.Count - result.Failures.Count);
        if (result.Failures.Count == 0)
        {
            attempts.Succeeded();
            unit.Note(result.Written, result.Unchanged, 0);
            return [];
        }

        int[] broken = [.. result.Failures.Where(f => f.Error.MayBlameRecord).Select(f => IndexOf(f, sent))];
        var witness = broken.Length > 0 ? TakenOf(unit, sent, result, refused) : null;
        if (witness is { } one && suspects.NeedsEvidence(broken, takenBefore, taken) && await TakesAsync(unit.Slice.Pick([one]), ct).ConfigureAwait(false))
        {
            taken = Interlocked.Increment(ref _taken);
        }

        var before = refused.Count;
        var again = new List<int>();
        var superseded = new List<int>();
        RecordFailure? worst = null;
        foreach (var failure in result.Failures)
        {
            var index = IndexOf(failure, sent);
            if (failure.Error.Kind == FailureKind.Permanent
                || (failure.Error.MayBlameRecord && suspects.Blames(index, slice.Count == 1 && witness is null, takenBefore, taken)))
            {
                refused.Add(index, deadLetters.LetterFor(unit.Slice[index], unit.OwnerOf(index), failure.Error.Code, failure.Reason, tries));
                if (unit.TryTakeBack(index, out var earlier)) superseded.Add(earlier);
                continue;
            }

            again.Add(index);
            if (worst is not { Error.Kind: FailureKind.Environment } && (worst is null || failure.Error.Kind == FailureKind.Environment
                || failure.RetryAfter > worst.Value.RetryAfter)) worst = failure;
        }

        TakeOutTooLarge(unit, superseded, refused);
        unit.Note(result.Written, result.Unchanged, refused.Count - before);
        if (again.Count < slice.Count) attempts.Succeeded();
        if (worst is { } cause)
        {
            var error = cause.Error.Error(cause.Reason, retryAfter: cause.RetryAfter);
            await attempts.AgainAsync(error, ct, wholeEnd: again.Count == slice.Count && !suspects.OthersAreTaken).ConfigureAwait(false);
        }

        return [.. again, .. superseded];
    }

    private static int IndexOf(RecordFailure failure, int[]? sent) => sent is null ? failure.Index : sent[failure.Index];

    // A record of the unit that is in the sink already; null where none is.
    private static int? TakenOf(WriteUnit unit, int[]? sent, WriteResult result, Dictionary<int, DeadLetter> refused)
    {
        var open = result.Failures.Select(f => IndexOf(f, sent)).ToHashSet();
        for (var i = 0; i < unit.Count; i++)
        {
            if (!open.Contains(i) && !refused.ContainsKey(i)) return i;
        }

        return null;
    }

    // Writes a record that was taken once more, which changes nothing, to see whether the sink takes any now. It counts for nothing else.
    private async Task<bool> TakesAsync(RecordSlice record, CancellationToken ct)
    {
        try
        {
            await rate.TakeAsync(record.Count, ct).ConfigureAwait(false);
            return (await MeasuredWriteAsync(record, ct).ConfigureAwait(false)).Failures.All(f => f.Error.Kind == FailureKind.Permanent);
        }
        catch (PipelineException)
        {
            // What is wrong with the sink as a whole, the next try of the records tells.
            return false;
        }
    }

    /// <returns>The indexes that remain; null where that is all of them.</returns>
    private int[]? RefuseTooLarge(WriteUnit unit, Dictionary<int, DeadLetter> refused)
    {
        if (unit.Bytes <= sink.Limits.MaxRecordBytes) return null;
        var rest = Enumerable.Range(0, unit.Count).ToList();
        TakeOutTooLarge(unit, rest, refused);
        if (refused.Count == 0) return null;
        unit.Note(0, 0, refused.Count);
        return [.. rest];
    }

    // What a record that is too large had taken the place of goes in its stead.
    private void TakeOutTooLarge(WriteUnit unit, List<int> indexes, Dictionary<int, DeadLetter> refused)
    {
        var most = sink.Limits.MaxRecordBytes;
        for (var i = 0; i < indexes.Count; i++)
        {
            var index = indexes[i];
            while (unit.Slice[index].Bytes > most)
            {
                refused.Add(index, deadLetters.LetterFor(
                    unit.Slice[index], unit.OwnerOf(index), EngineErrors.RecordTooLarge.Code, EngineErrors.TooLarge(unit.Slice[index].Bytes, most), 0));
                if (unit.TryTakeBack(index, out index)) continue;
                index = -1;
                break;
            }

            indexes[i] = index;
        }

        indexes.RemoveAll(index => index < 0);
    }
}
