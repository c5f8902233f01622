using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Engine;

/// <summary>One run of a job: takes its lock, checks both ends, and makes passes over the source until its mode says that it is done.</summary>
public sealed class Pipeline
{
    private readonly PipelineSetup _setup;
    private readonly RunAccount _account = new();
    private readonly Outage _sourceOutage;
    private readonly Outage _sinkOutage;
    private readonly RetryPolicy _sourceRetry;
    private readonly RetryPolicy _sinkRetry;
    private readonly DocumentCounter _counter;
    private readonly SinkNote _note = new();
    private readonly long _started;
    private AdaptiveSize? _size;
    private ByteBudget? _budget;
    private RunPhase _phase;
    private long? _extent;
    private long _extentDone;
    private long? _caughtUpAt;
    private bool _hasRead;
    private bool _restsOnEarlier;
    private RecordLimit _limit = new(null);

    /// <param name="setup">Everything that the run is made of.</param>
    public Pipeline(PipelineSetup setup)
    {
        _setup = setup;
        _started = setup.Time.GetTimestamp();
        _sourceOutage = new Outage($"source {setup.From.Name}", setup.Log, setup.Time);
        _sinkOutage = new Outage($"sink {setup.To.Name}", setup.Log, setup.Time);
        _sourceRetry = new RetryPolicy(setup.Retry, _sourceOutage, setup.Random, setup.Time);
        _sinkRetry = new RetryPolicy(setup.Retry, _sinkOutage, setup.Random, setup.Time, setup.SinkNames);
        _counter = new DocumentCounter(setup.Sink, setup.Log);
    }

    /// <summary>How the run stands. May be asked from any thread at any time.</summary>
    public RunProgress Progress => new(
        _phase,
        _account.Totals(),
        _extent,
        Interlocked.Read(ref _extentDone),
        _caughtUpAt is { } at ? _setup.Time.GetElapsedTime(at) : null,
        _sourceOutage.DownFor,
        _sinkOutage.DownFor,
        LaterOf(_sourceOutage.LastError, _sinkOutage.LastError),
        _size?.Records ?? 0,
        _size?.Concurrency ?? 0);

    /// <summary>Bytes of batches that have been read and are not finished.</summary>
    internal long BytesInFlight => _budget?.Used ?? 0;

    /// <summary>Runs to the end. Never throws for what a person has to be told: that is in the result.</summary>
    /// <param name="stop">Stops reading, finishes what is in flight within the shutdown time-out, and saves.</param>
    public async Task<RunResult> RunAsync(CancellationToken stop)
    {
        using var abort = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _setup.Time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var maxRuntime = _setup.MaxRuntime is { } most ? new CancellationTokenSource(most, _setup.Time) : new CancellationTokenSource();
        await using var onMaxRuntime = maxRuntime.Token.Register(ending.Cancel).ConfigureAwait(false);
        await using var onStop = ending.Token.Register(() =>
        {
            Log.Draining(_setup.Log);
            abort.CancelAfter(_setup.ShutdownTimeout);
        }).ConfigureAwait(false);

        _setup.Meter?.Observe(() => Progress);
        var deadLetterPath = _setup.DeadLetterPath ?? "";
        DateTimeOffset? copiedBefore = null;
        PipelineException? error = null;
        IJobState? state = null;
        RunNotes? notes = null;
        var complete = false;
        DocumentCount? documents = null;
        DeadLetterFile? letters = null;
        try
        {
            state = await _setup.State.OpenAsync(_setup.Job, stop).ConfigureAwait(false);
            await using var onLost = state.Lost.Register(() =>
            {
                abort.Cancel();
                ending.Cancel();
            }).ConfigureAwait(false);
            notes = new RunNotes(_setup, state, () => Progress);
            var job = new JobLetters(_setup, state);
            deadLetterPath = job.Path;
            letters = await job.OpenAsync(stop).ConfigureAwait(false);
            await using (letters.ConfigureAwait(false))
            {
                (complete, copiedBefore) = await RunPassesAsync(state, identity => job.GateTo(letters, identity, _setup.MaxDeadLetters), ending.Token, abort.Token).ConfigureAwait(false);
                if (complete) documents = await _counter.EndAsync(ending.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
        }
        catch (PipelineException e)
        {
            error = e;
        }
        catch (Exception e)
        {
            error = EngineErrors.Of(e);
        }

        if (abort.IsCancellationRequested && _account.Totals().Unfinished > 0) Log.DrainTimedOut(_setup.Log, _setup.ShutdownTimeout.TotalSeconds);
        if (notes is not null) await notes.StopAsync().ConfigureAwait(false);
        if (state is { Lost.IsCancellationRequested: true })
        {
            error ??= notes?.Lost ?? HeldJob.Lost(_setup.Job);
        }

        if (error?.InnerException is { } cause) Log.Cause(_setup.Log, error.Code, cause);
        var result = Conclude(complete, error, maxRuntime.IsCancellationRequested, deadLetterPath, copiedBefore, letters?.OpenCount ?? 0) with { Documents = documents };
        if (notes is not null) await notes.EndAsync(result).ConfigureAwait(false);
        notes?.Dispose();
        if (state is not null) await state.DisposeAsync().ConfigureAwait(false);
        return result;
    }

    private RunResult Conclude(bool complete, PipelineException? error, bool outOfTime, string deadLetterPath, DateTimeOffset? copiedBefore, int openLetters)
    {
        var account = _account.Totals();
        if (error is null && !account.Balances) error = EngineErrors.AccountMismatch.Error($"The account does not balance: {account}.");
        if (error is null && !complete && outOfTime && _setup.Mode != PipelineMode.Continuous)
        {
            error = EngineErrors.MaxRuntime.Error($"Stopped after {DurationText.Format(_setup.MaxRuntime!.Value)}, with {account.Read} records read.");
        }

        var outcome = error is not null ? RunOutcome.Failed
            : !complete ? RunOutcome.Stopped
            : account.DeadLettered > 0 || (_restsOnEarlier && openLetters > 0) ? RunOutcome.DoneWithDeadLetters
            : RunOutcome.Done;
        return new RunResult(outcome, account, _setup.Time.GetElapsedTime(_started), error, deadLetterPath, copiedBefore) { OpenLetters = openLetters };
    }

    private async Task<(bool Complete, DateTimeOffset? CopiedBefore)> RunPassesAsync(
        IJobState state, Func<JobIdentity, DeadLetterGate> gateOf, CancellationToken stop, CancellationToken abort)
    {
        var (identity, saved, hadTarget) = await new RunStart(_setup, _sourceRetry, _sinkRetry, _counter, _note).BeginAsync(state, stop).ConfigureAwait(false);
        using var saver = new CheckpointSaver(state, identity, _setup.Source, _setup.Sink, _note, HasWritten, saved, _setup.Time, _setup.Log);
        _note.SaveWith = saver.SaveNoteAsync;
        var limits = _setup.Sink.Limits;
        _size = new AdaptiveSize(limits, _setup.BatchSize.Start, _setup.BatchSize.Min, _setup.BatchSize.Max);
        var gate = gateOf(identity);
        var writer = new UnitWriter(
            _setup.Sink, _size, new RateLimiter(_setup.RateLimit, limits.Ramp, _setup.Time), _sinkRetry, gate, _account, _setup.Time, _setup.Meter);

        if (saved is null || saved.Phase == ReadKind.Snapshot)
        {
            if (!await RunPassAsync(ReadKind.Snapshot, saver, writer, gate, stop, abort).ConfigureAwait(false)
                || !await FinishSnapshotAsync(saver, writer, gate, stop, abort).ConfigureAwait(false)) return (false, null);
            if (_setup.Mode is PipelineMode.FullSync or PipelineMode.Custom || (_setup.Mode == PipelineMode.Single && saved is null)) return (true, null);
        }

        // Without a table a delete, too, finds everything as it is to be.
        bool HasWritten() => _account.Totals() is var account && (account.Written > 0 || (hadTarget && account.Unchanged > 0));

        while (true)
        {
            var (before, started) = (_account.Totals().Read, _setup.Time.GetTimestamp());
            if (!await RunPassAsync(ReadKind.Changes, saver, writer, gate, stop, abort).ConfigureAwait(false)) return (false, null);

            // Where a source started over and the output had to begin anew, the pass was a snapshot: the output is not complete without this.
            if (saver.Saved?.Phase == ReadKind.Snapshot
                && !await FinishSnapshotAsync(saver, writer, gate, stop, abort).ConfigureAwait(false)) return (false, null);
            var changes = _account.Totals().Read - before;
            if (changes > 0) Log.ChangesCopied(_setup.Log, changes, _setup.Time.GetElapsedTime(started).TotalSeconds);
            if (_setup.Mode != PipelineMode.Continuous)
            {
                // What broke off in its middle, such as at a file that changed while it was read, is only there in the next pass.
                if (!TakesMore) return (true, _account.Totals().Read == 0 ? saved?.SavedAt : null);
                await Task.Delay(_setup.Retry.Delay, _setup.Time, stop).ConfigureAwait(false);
                continue;
            }

            _phase = RunPhase.Waiting;
            await Task.Delay(_setup.Interval, _setup.Time, stop).ConfigureAwait(false);
        }
    }

    // True where the source has not yielded everything yet. Where a number of records was asked for and found, it does not matter what else there is.
    private bool TakesMore => _setup.Source.SnapshotContinues && !_limit.Reached;

    // After one pass over a snapshot: what more passes it takes until it is whole, and its end.
    private async Task<bool> FinishSnapshotAsync(CheckpointSaver saver, UnitWriter writer, DeadLetterGate gate, CancellationToken stop, CancellationToken abort)
    {
        while (TakesMore && saver.Saved is not null)
        {
            if (!await RunPassAsync(ReadKind.Snapshot, saver, writer, gate, stop, abort).ConfigureAwait(false)) return false;
        }

        await CompleteSnapshotAsync(saver, stop).ConfigureAwait(false);
        return true;
    }

    // One pass, planned as often as the source turns out to be another than it was planned for.
    private async Task<bool> RunPassAsync(
        ReadKind kind, CheckpointSaver saver, UnitWriter writer, DeadLetterGate gate, CancellationToken stop, CancellationToken abort)
    {
        while (true)
        {
            var (complete, outdated) = await RunPlannedAsync(kind, saver, writer, gate, stop, abort).ConfigureAwait(false);
            if (outdated is null || !complete) return complete;
            Log.PlannedAnew(_setup.Log, outdated.Message);
            await Task.Delay(_setup.Retry.Delay, _setup.Time, stop).ConfigureAwait(false);
            kind = saver.Saved?.Phase ?? kind;
        }
    }

    private async Task<(bool Complete, PipelineException? Outdated)> RunPlannedAsync(
        ReadKind kind, CheckpointSaver saver, UnitWriter writer, DeadLetterGate gate, CancellationToken stop, CancellationToken abort)
    {
        var started = _setup.Time.GetTimestamp();
        var partitions = await PlanAsync(kind, saver, stop).ConfigureAwait(false);
        if (partitions.FirstOrDefault(p => p.StartsOverBecause is not null) is { } over && saver.Saved is not null)
        {
            foreach (var partition in partitions.Where(p => p.StartsOverBecause is not null))
            {
                Log.StartsOver(_setup.Log, partition.Id.Value, partition.StartsOverBecause!);
            }

            if (_setup.Sink is IResumableSink resumable)
            {
                // What such a sink holds cannot be replaced by key: the copy begins anew, from an empty output.
                await saver.ResetAsync(stop).ConfigureAwait(false);
                await resumable.RestoreAsync(null, stop).ConfigureAwait(false);
                kind = ReadKind.Snapshot;
                partitions = await PlanAsync(kind, saver, stop).ConfigureAwait(false);
            }
        }

        var from = saver.Saved?.Partitions ?? new Dictionary<PartitionId, PartitionProgress>();
        from = partitions.Where(p => p.StartsOverBecause is null && from.ContainsKey(p.Id)).ToDictionary(p => p.Id, p => from[p.Id]);
        if (!_hasRead) _restsOnEarlier = RestsOnEarlier(kind, saver.Saved, partitions);
        _limit = new RecordLimit(_setup.Selection.Limit - from.Values.Sum(p => p.Records));
        _phase = kind == ReadKind.Snapshot ? RunPhase.Snapshot : RunPhase.Changes;
        _extent = partitions.All(p => p.Extent is not null) ? partitions.Sum(p => p.Extent) : null;
        Interlocked.Exchange(ref _extentDone, 0);
        Log.Planned(_setup.Log, partitions.Count, kind.ToString());

        var budget = _budget = new ByteBudget(_setup.ReadAheadBytes);
        var pass = new Pass(_setup, saver, writer, _size!, _sinkRetry);
        _hasRead = true;
        var complete = await pass.RunAsync(
            kind,
            partitions,
            from,
            queue => new PartitionReader(
                _setup.Source, _setup.Transform, queue, budget, _limit, _sourceRetry, gate, _account, done => Interlocked.Add(ref _extentDone, done)),
            stop,
            abort).ConfigureAwait(false);
        if (complete && pass.Outdated is null)
        {
            _caughtUpAt = started;
            _sourceRetry.Prove();
            _sinkRetry.Prove();
        }

        return (complete, pass.Outdated);
    }

    // A run that says of everything that it is copied, and has left out what an earlier run has read, says it of that one's dead letters, too.
    // Of what is new, which is what a single run speaks of, and of what is read from its start, they say nothing.
    private bool RestsOnEarlier(ReadKind kind, Checkpoint? saved, IReadOnlyList<Partition> partitions) =>
        saved is not null && (kind == ReadKind.Snapshot || _setup.Mode != PipelineMode.Single)
        && (partitions.Count == 0 || partitions.Any(p => p.StartsOverBecause is null));

    private Task<IReadOnlyList<Partition>> PlanAsync(ReadKind kind, CheckpointSaver saver, CancellationToken stop)
    {
        var saved = saver.Saved?.Positions() ?? new Dictionary<PartitionId, Position>();
        if (saver.Saved is null) saver.Times = (_setup.Selection.Since, _setup.Selection.Until);
        var (since, until) = kind == ReadKind.Snapshot ? saver.Times : default;
        var selection = _setup.Selection with { Since = since, Until = until };
        return _sourceRetry.CallAsync(
            ct => _setup.Source.GetPartitionsAsync(new ReadPlan(kind, selection, _setup.Threads, saved) { IsLater = _hasRead && _setup.Mode != PipelineMode.Continuous }, ct), stop);
    }

    private async Task CompleteSnapshotAsync(CheckpointSaver saver, CancellationToken stop)
    {
        _phase = RunPhase.Finishing;
        await _sinkRetry.CallAsync(_setup.Sink.CompleteAsync, stop).ConfigureAwait(false);
        if (_setup.Bounded) await saver.ResetAsync(stop).ConfigureAwait(false);
        else if (saver.Saved is { } saved) await saver.SaveAsync(ReadKind.Changes, () => saved.Partitions, stop).ConfigureAwait(false);
        Log.SnapshotComplete(_setup.Log, _account.Totals().Read);
    }

    private static RunError? LaterOf(RunError? a, RunError? b) => a is null || b?.At > a.At ? b : a;
}
