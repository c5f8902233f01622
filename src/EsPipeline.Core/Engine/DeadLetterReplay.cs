using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Engine;

/// <summary>What became of dead letters that were sent again.</summary>
/// <param name="Replayed">In the sink now.</param>
/// <param name="Refused">Refused again; their letters stay.</param>
/// <param name="Malformed">Not documents at all: they can only be mended at the source.</param>
public readonly record struct ReplayResult(int Replayed, int Refused, int Malformed);

/// <summary>Sends a job's dead letters to its sink again, through the same writer as a run. Holds the job's lock.</summary>
public sealed class DeadLetterReplay(PipelineSetup setup)
{
    /// <summary>Sends again what <paramref name="chosen"/> chooses.</summary>
    /// <exception cref="Errors.PipelineException">The sink or the state can't be used, the sink is not the job's, or the job's lock was lost.</exception>
    public async Task<ReplayResult> RunAsync(Func<DeadLetter, bool> chosen, CancellationToken ct)
    {
        var state = await setup.State.OpenAsync(setup.Job, ct).ConfigureAwait(false);
        await using var stateHandle = state.ConfigureAwait(false);
        return await state.WhileHeldAsync(held => RunAsync(state, chosen, held), ct).ConfigureAwait(false);
    }

    private async Task<ReplayResult> RunAsync(IJobState state, Func<DeadLetter, bool> chosen, CancellationToken ct)
    {
        var job = new JobLetters(setup, state);
        var letters = await job.OpenAsync(ct).ConfigureAwait(false);
        await using var lettersHandle = letters.ConfigureAwait(false);

        // Somebody waits for the answer, whatever the job's mode: the letters stay where they are when the sink is down.
        var outage = new Outage($"sink {setup.To.Name}", setup.Log, setup.Time);
        var retry = new RetryPolicy(setup.Retry with { Forever = false }, outage, setup.Random, setup.Time, setup.SinkNames);
        var note = new SinkNote();
        var (saved, identity) = await PrepareAsync(state, note, job, chosen, ct).ConfigureAwait(false);
        note.SaveWith = async stop =>
        {
            if (saved is null) return;
            saved = saved with { SinkNote = note.Text };
            await state.SaveAsync(saved, stop).ConfigureAwait(false);
        };
        var resumable = setup.Sink as IResumableSink;

        // Invariant 1: a letter is all that is left of its record until the sink holds it durably, which a resumable one does not on return.
        async Task MakeDurableAsync(CancellationToken stop)
        {
            if (resumable is null || saved is null) return;
            saved = saved with { SinkToken = await resumable.FlushAsync(stop).ConfigureAwait(false) };
            await state.SaveAsync(saved, stop).ConfigureAwait(false);
        }

        var account = new RunAccount();
        var writer = new UnitWriter(
            setup.Sink,
            new AdaptiveSize(setup.Sink.Limits),
            new RateLimiter(setup.RateLimit, setup.Sink.Limits.Ramp, setup.Time),
            retry,
            job.GateTo(letters, identity, long.MaxValue, settleAs: "replayed", beforeSettling: MakeDurableAsync),
            account,
            setup.Time);

        var limits = setup.Sink.Limits;
        var most = Math.Min(setup.BatchSize.Start ?? limits.StartRecords, limits.MaxRecords);
        var malformed = 0;
        var (pending, pendingBytes) = (new List<DeadLetter>(), 0L);
        await foreach (var letter in job.ReadAsync(ct).ConfigureAwait(false))
        {
            if (!chosen(letter)) continue;
            if (letter.Malformed)
            {
                malformed++;
                continue;
            }

            var bytes = letter.Key.Length + letter.Document.Length;
            if (pending.Count == most || (pending.Count > 0 && pendingBytes + bytes > limits.MaxBytes))
            {
                await WriteAsync(writer, pending, account, ct).ConfigureAwait(false);
                pendingBytes = 0;
            }

            pending.Add(letter);
            pendingBytes += bytes;
        }

        if (pending.Count > 0) await WriteAsync(writer, pending, account, ct).ConfigureAwait(false);
        var totals = account.Totals();
        if (saved is { Wrote: false } && totals.Written > 0) await state.SaveAsync(saved with { Wrote = true }, ct).ConfigureAwait(false);
        return new ReplayResult((int)(totals.Written + totals.Unchanged), (int)totals.DeadLettered, malformed);
    }

    private async Task<(Checkpoint? Saved, JobIdentity Identity)> PrepareAsync(
        IJobState state, SinkNote note, JobLetters job, Func<DeadLetter, bool> chosen, CancellationToken ct)
    {
        var source = (await setup.Source.CheckAsync(ct).ConfigureAwait(false)).OrThrow();
        var sink = await setup.Sink.CheckAsync(ct).ConfigureAwait(false);
        if (sink.Problem is { } problem) throw setup.AtSink(problem);
        var saved = await state.LoadAsync(ct).ConfigureAwait(false);
        var identity = setup.IdentityOf(source, sink);
        if (saved is not null && saved.Identity.Hash != identity.Hash)
        {
            throw CheckpointErrors.JobChanged.Error(
                $"The dead letters of job '{setup.Job}' belong to another job: {string.Join("; ", saved.Identity.Differences(identity))}.");
        }

        // A job that is done and leaves no positions behind is known by its letters only.
        await foreach (var letter in job.ReadAsync(ct).ConfigureAwait(false))
        {
            if (letter.Sink is null || letter.Sink == identity.Sink || letter.Malformed || !chosen(letter)) continue;
            throw CheckpointErrors.JobChanged.Error(
                $"Dead letters of job '{setup.Job}' ({letter.Place}) were meant for {letter.Sink}, and this is {identity.Sink}.",
                "Give the options that the job ran with; to give the letters up: espipe dead-letters drop.");
        }

        note.Recall(setup.Sink, saved);
        await setup.Sink.PrepareAsync(await setup.Source.DescribeAsync(ct).ConfigureAwait(false), ct).ConfigureAwait(false);
        if (setup.Sink is IResumableSink resumable && (saved?.SinkToken is null || !await resumable.RestoreAsync(saved.SinkToken, ct).ConfigureAwait(false)))
        {
            throw DeadLetterErrors.OutputGone.Error($"The output file of job '{setup.Job}' is not there as the job left it.");
        }

        await setup.Sink.BeginPassAsync(Sources.ReadKind.Changes, uniqueKeys: true, ct).ConfigureAwait(false);
        return (saved, identity);
    }

    // Each letter is a batch of its own, so that one that is refused again keeps its own partition, position and place.
    private static async Task WriteAsync(UnitWriter writer, List<DeadLetter> letters, RunAccount account, CancellationToken ct)
    {
        var unit = new WriteUnit();
        var budget = new ByteBudget(long.MaxValue);
        using var tracker = new CheckpointTracker(default);
        foreach (var letter in letters)
        {
            using var builder = new RecordBatchBuilder(letter.Key.Length + letter.Document.Length);
            builder.Add(letter.Key.Span, letter.Document.Span, letter.Operation, letter.Version, 0);
            var batch = builder.Build(new Position(letter.Position), 0, letter.Place);
            var ticket = await tracker.TrackAsync(batch.End, 1, ct).ConfigureAwait(false);
            var inFlight = new InFlightBatch(batch, new PartitionId(letter.Partition), ticket, budget, account, filtered: 0);
            unit.Append(inFlight, batch.Records, batch.Records.Span[0].Bytes);
        }

        account.AddRead(letters.Count, unit.Bytes);
        letters.Clear();
        await writer.WriteAsync(unit, ct).ConfigureAwait(false);
    }
}
