using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Planning;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Verification;

/// <summary>
/// Compares both ends of a job by key and content: reads and transforms the source as a run does, asks the sink how each record reads back, and reads
/// back all that the sink holds. What differs is looked at a second time before it is told, because either end may have changed between. Writes
/// nothing, unless it is asked to repair.
/// </summary>
public sealed class Verifier
{
    private const int MostTries = 3;

    // While a run is under way, of keys that keep changing; with the default interval the pauses are 35 to 140 s.
    private const int MostLooksAgain = 4;
    private const int DocumentsKept = 50;
    private static readonly TimeSpan TimeForPass = TimeSpan.FromSeconds(5);

    // A run notes every 2 s how it stands; a server that keeps the state, and two machines' clocks, may be slower.
    private static readonly TimeSpan NotedWithin = TimeSpan.FromMinutes(1);

    private readonly PipelineSetup _setup;
    private readonly VerifyOptions _options;
    private readonly RetryPolicy _sourceRetry;
    private readonly RetryPolicy _sinkRetry;
    private readonly Outage _sourceOutage;
    private readonly Outage _sinkOutage;
    private readonly ulong _seed;
    private volatile Func<(long Read, long Seen)> _counts = () => (0, 0);
    private volatile Func<long> _mended = () => 0;
    private int _looks;

    /// <param name="setup">What a run would be made of. Its selection has no limit.</param>
    /// <param name="options">What to do.</param>
    public Verifier(PipelineSetup setup, VerifyOptions options)
    {
        (_setup, _options, _seed) = (setup, options, (ulong)setup.Random.NextInt64());
        (_sourceOutage, _sinkOutage) = (OutageOf($"source {setup.From.Name}"), OutageOf($"sink {setup.To.Name}"));
        _sourceRetry = RetryFor(_sourceOutage, names: null);
        _sinkRetry = RetryFor(_sinkOutage, setup.SinkNames);
    }

    /// <summary>How the comparison stands. May be asked from any thread at any time.</summary>
    public VerifyProgress Progress
    {
        get
        {
            var (read, seen) = _counts();
            return new VerifyProgress(Volatile.Read(ref _looks), read, seen, _mended(), _sourceOutage.DownFor, _sinkOutage.DownFor);
        }
    }

    // Of a part of the source it can't be said what else belongs into the sink; where keys change on the way, neither which part is this job's.
    private bool TellsExtras(ReadBackPlace place) => !_setup.Selection.Narrows && (_options.Shard.Count <= 1 || place.KeepsKeys);

    /// <summary>Compares, and repairs where that is asked for.</summary>
    /// <exception cref="PipelineException">An end can't be read, or can't be compared, what was asked for can't be done, or the job's lock was lost meanwhile.</exception>
    public async Task<VerifyResult> VerifyAsync(CancellationToken ct)
    {
        var notes = new List<string>();
        if (_setup.Sink is not IVerifiableSink sink) throw VerifyErrors.NotComparable.Error($"The sink {_setup.To.Name} can't say how a record reads back.");
        var mends = _options.Repair || _options.MaxDeletes is not null;
        if (mends && sink is IResumableSink) throw VerifyErrors.CannotRepair.Error($"The sink {_setup.To.Name} is a file: it can't be repaired in the middle.");
        var from = await _sourceRetry.CallAsync(stop => WellAsync(_setup.Source.CheckAsync, notes, stop), ct).ConfigureAwait(false);
        var to = await _sinkRetry.CallAsync(stop => WellAsync(sink.CheckAsync, notes, stop), ct).ConfigureAwait(false);
        var note = new SinkNote();
        var identity = _setup.IdentityOf(from, to);
        if (sink is INotingSink) note.Recall(sink, await SavedAsync(identity, notes, ct).ConfigureAwait(false));
        if (!mends) return await CompareAsync(sink, mending: null, notes, ct).ConfigureAwait(false);
        var state = await _setup.State.OpenAsync(_setup.Job, ct).ConfigureAwait(false);
        await using var stateHandle = state.ConfigureAwait(false);
        note.SaveWith = async stop =>
        {
            if (await state.LoadAsync(stop).ConfigureAwait(false) is { } saved) await state.SaveAsync(saved with { SinkNote = note.Text }, stop).ConfigureAwait(false);
        };
        return await state.WhileHeldAsync(held => CompareAsync(sink, (state, identity), notes, held), ct).ConfigureAwait(false);
    }

    // What the job has saved; what it is not told of is compared by what this look itself meets.
    private async Task<Checkpoint?> SavedAsync(JobIdentity identity, List<string> notes, CancellationToken ct)
    {
        try
        {
            return await _setup.State.ReadCheckpointAsync(_setup.Job, ct).ConfigureAwait(false) is { } saved && saved.Identity.Hash == identity.Hash ? saved : null;
        }
        catch (PipelineException e)
        {
            notes.Add($"The job's checkpoint can't be read, so it is not known which fields documents had in earlier runs: {e.Message}");
            return null;
        }
    }

    // Repairs too, where the job's state is given.
    private async Task<VerifyResult> CompareAsync(IVerifiableSink sink, (IJobState State, JobIdentity Identity)? mending, List<string> notes, CancellationToken ct)
    {
        var schema = await _sourceRetry.CallAsync(_setup.Source.DescribeAsync, ct).ConfigureAwait(false);
        var place = await _sinkRetry.CallAsync(stop => sink.PrepareReadBackAsync(schema, stop), ct).ConfigureAwait(false);
        await using var source = place.Source.ConfigureAwait(false);
        await _sinkRetry.CallAsync(stop => WellAsync(place.Source.CheckAsync, notes, stop), ct).ConfigureAwait(false);

        var extras = TellsExtras(place);
        if (!extras) notes.Add("The job copies a part of the source only, so it can't be told which documents of the sink are extra.");
        var letters = await ReadLettersAsync(ct).ConfigureAwait(false);
        using var first = await LookAsync(place, only: null, new DocumentPairs([]), ct).ConfigureAwait(false);
        using var at = new Differences(_seed, DocumentsKept, extras, letters, first.Problems);
        if (first.OtherKeys > 0) notes.Add($"{first.OtherKeys} records have another key in the sink than at the source, as where a document has an id of its own: of those that share one there only the first and the last are compared.");
        first.Compare(at.Note);
        first.Dispose();
        if (at.Suspects == 0) return Result(first, at, null, notes);

        var (second, now) = await LookAgainAsync(place, at, letters, first.Problems, notes, ct).ConfigureAwait(false);
        using var found = now;
        notes.AddRange(Uncertainties(second));
        var result = Result(first, now, Math.Max(0, at.Suspects - now.Suspects), notes) with { Equal = Math.Max(0, at.Keys - now.Missing.Count - now.Different.Count - at.SetAside) };
        if (mending is not { } job) return result;
        if (_options.MaxDeletes is { } most) CheckDeletes(most, extras, now.Extra.Count, first.Keyless + second.Keyless);
        if (_options.Repair && second.OtherKeys > 0 && now.Missing.Count + now.Different.Count > 0)
        {
            throw VerifyErrors.OtherKeys.Error($"The sink {_setup.To.Name} writes keys otherwise than the source, so what is to be written can't be found there by its key.");
        }

        using var repair = new Repair(_setup, _options, _sourceRetry);
        _mended = () => repair.Written;
        var (account, deleted) = await repair.RunAsync(job.State, job.Identity, schema, now, ct).ConfigureAwait(false);
        using var third = await LookAsync(place, now.Sketch, new DocumentPairs([]), ct).ConfigureAwait(false);
        using var left = new Differences(_seed, 0, extras, letters, third.Problems);
        third.Compare(left.Note);
        return result with { Repair = new RepairResult(account, deleted, left.Missing.Count + left.Different.Count, extras ? left.Extra.Count : null) };
    }

    // The second look reads again only what concerns the keys that differ; the documents that are to be shown are kept from it. A run that is
    // under way is behind the source by its interval, and keys that change all the time may differ once more: such are looked at some times, with growing pauses.
    private async Task<(Look Look, Differences Now)> LookAgainAsync(
        ReadBackPlace place, Differences at, IReadOnlyDictionary<byte[], DeadLetter> letters, PlanTally problems, List<string> notes, CancellationToken ct)
    {
        var underWay = await RunIsUnderWayAsync(notes, ct).ConfigureAwait(false);
        var pause = _setup.Interval + TimeForPass;
        if (underWay)
        {
            Log.AwaitsRun(_setup.Log, DurationText.Format(pause));
            notes.Add($"A run of the job is under way: what differed was looked at again after {DurationText.Format(pause)}, so that the run could catch up.");
        }

        var before = at;
        for (var looks = 1; ; looks++)
        {
            if (underWay) await Task.Delay(pause * looks, _setup.Time, ct).ConfigureAwait(false);
            var look = await LookAsync(place, before.Sketch, new DocumentPairs(before.Different.Smallest), ct).ConfigureAwait(false);
            var now = new Differences(_seed, DocumentsKept, at.TellsExtras, letters, problems);
            look.Compare(now.Note);
            look.Dispose();
            now.Describe(look);

            // What has changed at either end since the look before may be on its way; what has not is a difference.
            var isSteady = now.Suspects == 0 || now.Contents == before.Contents;
            var suspects = before.Suspects;
            if (before != at) before.Dispose();
            if (underWay && !isSteady && looks < MostLooksAgain)
            {
                before = now;
                continue;
            }

            if (looks > 1) notes.Add($"What kept changing was looked at {looks} times, with growing pauses; {suspects - now.Suspects} of the last {suspects} keys had come to be the same.");
            return (look, now);
        }
    }

    private async Task<bool> RunIsUnderWayAsync(List<string> notes, CancellationToken ct)
    {
        try
        {
            // One that was killed has no end either, until the next run notes it.
            return await _setup.State.ReadRunsAsync(_setup.Job, 1, ct).ConfigureAwait(false) is [{ Ended: null } run]
                && _setup.Time.GetUtcNow() - run.Updated < NotedWithin;
        }
        catch (PipelineException e)
        {
            notes.Add($"The job's history can't be read, so it is not known whether a run is under way: {e.Message}");
            return false;
        }
    }

    private static void CheckDeletes(long most, bool extras, long count, long keyless)
    {
        if (!extras) throw VerifyErrors.UncertainExtras.Error("The job copies a part of the source only, so nothing can be deleted for not being in it.");
        if (count > 0 && keyless > 0)
        {
            throw VerifyErrors.UncertainExtras.Error($"{count} keys of the sink are not in the source, but of some records of the source it is not known which keys they have there.");
        }

        if (count > most) throw VerifyErrors.TooManyDeletes.Error($"{count} documents of the sink are not in the source, and --max-deletes is {most}.");
    }

    private static IEnumerable<string> Uncertainties(Look look)
    {
        if (look.Keyless > 0) yield return "Records of the source could not be read, or are not taken, so that their keys in the sink are not known; what is extra in the sink may be theirs.";
    }

    private VerifyResult Result(Look first, Differences at, long? settled, IReadOnlyList<string> notes) => new()
    {
        Read = first.Read,
        Filtered = first.Filtered,
        There = first.There,
        Equal = at.Equal,
        Missing = at.Missing.ToGroup(_options.Examples),
        Different = at.Different.ToGroup(_options.Examples),
        Extra = at.TellsExtras ? at.Extra.ToGroup(_options.Examples) : null,
        Unwritable = first.Problems.Problems,
        Unreadable = first.Unreadable,
        Settled = settled,
        Notes = notes,
    };

    private async Task<Look> LookAsync(ReadBackPlace place, KeySketch? only, DocumentPairs pairs, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            var look = new Look(_setup, _options, place, only, pairs, _seed);
            _counts = () => (look.Read, look.Seen);
            if (tries == 1) Interlocked.Increment(ref _looks);
            try
            {
                await look.ReadSourceAsync(_sourceRetry, _sinkRetry, ct).ConfigureAwait(false);
                if (!_setup.Source.SnapshotContinues) await look.ReadPlaceAsync(_sinkRetry, ct).ConfigureAwait(false);
                if (!_setup.Source.SnapshotContinues && !place.Source.SnapshotContinues) return look;
            }
            catch
            {
                look.Dispose();
                throw;
            }

            // A view was lost in the middle: what changed meanwhile was not read, and would seem to be missing.
            look.Dispose();
            if (tries == MostTries) throw VerifyErrors.Unsteady.Error($"In each of {MostTries} tries the view was lost that an end was read from.");
        }
    }

    private async Task<Dictionary<byte[], DeadLetter>> ReadLettersAsync(CancellationToken ct)
    {
        // As many as a run may set aside by itself, unless it was told otherwise; they only explain what is missing.
        const int Most = 10_000;
        var letters = new Dictionary<byte[], DeadLetter>(KeyComparer.Instance);
        if (_options.DeadLetterPath is not { } path || !File.Exists(path)) return letters;
        await foreach (var letter in DeadLetterFile.ReadAsync(path, _setup.JobOfLetters, ct).ConfigureAwait(false))
        {
            if (letters.Count == Most) break;
            if (!letter.Key.IsEmpty) letters[letter.Key.ToArray()] = letter with { Document = default };
        }

        return letters;
    }

    private Outage OutageOf(string end) => new(end, _setup.Log, _setup.Time);

    private RetryPolicy RetryFor(Outage outage, PrefixedNames? names) =>
        new(_setup.Retry with { Forever = false }, outage, _setup.Random, _setup.Time, names);

    private static async Task<ConnectorHealth> WellAsync(Func<CancellationToken, Task<ConnectorHealth>> check, List<string> notes, CancellationToken ct)
    {
        var health = (await check(ct).ConfigureAwait(false)).OrThrow();
        notes.AddRange(health.Warnings.Where(w => !notes.Contains(w)));
        return health;
    }
}
