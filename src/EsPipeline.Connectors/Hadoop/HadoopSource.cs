using System.Runtime.CompilerServices;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// Reads the output of Hadoop jobs from S3 or a folder: the source <c>hadoop</c>. A partition is a job's folder, and its files are read in the
/// order of their names; jobs follow each other in the order of theirs. A job that finishes or is run again later is read then, whole, and
/// counts as newer than what was read before; of one that has only got more files behind those that were read, these are read.
/// </summary>
/// <remarks>
/// The jobs are read one after the other because the same key may stand in several; what is done at once is fetching
/// (<see cref="RangeAhead"/>). Jobs that were read to their end are kept in a <see cref="JobLedger"/>.
/// </remarks>
public sealed class HadoopSource : IDataSource
{
    private static readonly TimeSpan LongestCheck = TimeSpan.FromSeconds(5);

    private readonly HadoopOptions _options;
    private readonly IObjectStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CsvHeaders _headersOfJobs;
    private readonly Dictionary<PartitionId, ulong> _changed = [];

    // How many of a job's files the pass reads to, where that is not all of them; 0 where it reads none.
    private readonly Dictionary<PartitionId, int> _upTo = [];

    // What --max-files counts: the files that this run has read to their end.
    private readonly HashSet<StoredObject> _taken = [];
    private Dictionary<PartitionId, JobFolder>? _jobs;
    private int _unfinished = -1;
    private int _copied;
    private bool _toldPartitions;

    /// <param name="options">Where the jobs are, and what they have written.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">The log.</param>
    public HadoopSource(HadoopOptions options, TimeProvider time, ILogger<HadoopSource> log)
    {
        (_options, _time, _log) = (options, time, log);
        _headersOfJobs = new CsvHeaders(options.Csv) { Tell = doubt => Log.OtherColumns(log, doubt, options.Csv.NoHeaderOption) };
        _store = options.Path is { } path ? new FolderStore(path) : new S3Store(options, time);
    }

    /// <summary>How much is fetched and read at once; tests take less for more batches.</summary>
    internal ReadTuning Tuning { get; init; } = new();

    /// <inheritdoc/>
    public bool SnapshotContinues { get; private set; }

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(LongestCheck);
        try
        {
            await _store.CheckAsync(limited.Token).ConfigureAwait(false);
            return new ConnectorHealth(_store.Description, _time.GetElapsedTime(started), _store.Identity) { Warnings = _store.Warnings };
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell(_store.Description, _time.GetElapsedTime(started), e);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            var silent = HadoopErrors.Unreachable.Error($"{_store.Description} did not answer within {LongestCheck.TotalSeconds} s.");
            return ConnectorHealth.Unwell(_store.Description, _time.GetElapsedTime(started), silent);
        }
    }

    /// <inheritdoc/>
    public Task<SourceSchema> DescribeAsync(CancellationToken ct) => Task.FromResult(_options.Format switch
    {
        HadoopFormat.ObjectCounts => ObjectCountLines.Schema,
        HadoopFormat.KeyValue => KeyValueLines.Schema,
        _ => SourceSchema.Unknown,
    });

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        SnapshotContinues = false;
        var ledger = JobLedger.Read(plan.Saved);
        var jobs = await ListAsync(ct).ConfigureAwait(false);
        var partitions = new List<Partition>();
        _upTo.Clear();
        if (!plan.IsLater) _taken.Clear();

        // How much a run takes at once is no selection: a rehearsal or a comparison is about all that there is.
        var (most, left) = (plan.LooksOnly || _options.MaxFiles is not { } files ? int.MaxValue : Math.Max(0, files - _taken.Count), 0);
        foreach (var job in jobs.Values)
        {
            var progress = JobProgress.Of(job, plan.Saved, ledger);

            // A position at a file's end is in that file, which counts once.
            var done = progress.First < job.Files.Count && _taken.Contains(job.Files[progress.First]) ? 1 : 0;
            var upTo = (int)Math.Min((long)progress.First + done + most, job.Files.Count);
            most -= upTo - progress.First - done;
            left += job.Files.Count - upTo;
            if (PartitionOf(job, progress, upTo, ledger, plan.Selection.Limit is not null) is { } partition) partitions.Add(partition);
        }

        if (left > 0) Log.FilesLeft(_log, left);

        // A job that is not finished any more is being run again: what is known of it is kept until it is.
        foreach (var (id, position) in plan.Saved.Where(p => !JobLedger.Holds(p.Key) && !jobs.ContainsKey(p.Key)))
        {
            HadoopPosition.Parse(position);
            partitions.Add(new Partition(id, HadoopPosition.Start.ToPosition()) { InOrder = true, Extent = 0 });
        }

        return [.. ledger.Partitions(), .. partitions];
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        if (JobLedger.Holds(partition.Id)) yield break;
        var from = HadoopPosition.Parse(after);
        var jobs = _jobs ?? await ListAsync(ct).ConfigureAwait(false);
        var upTo = _upTo.GetValueOrDefault(partition.Id, int.MaxValue);
        if (upTo == 0 || !jobs.TryGetValue(partition.Id, out var job)) yield break;
        job = job.First(upTo);
        if (from.IndexIn(job) is not { } first)
        {
            NoteChange(job, job.Folder);
            yield break;
        }

        if (first == job.Files.Count) yield break;

        // Those of a job are alike; another job may have other columns.
        var headers = new CsvHeaders(_options.Csv, _headersOfJobs);
        var reader = new JobReader(_store, job, from, file => ParserFor(file, headers), Tuning, ct) { Finished = _options.MaxFiles is null ? null : file => _taken.Add(file) };
        await using (reader.ConfigureAwait(false))
        {
            using var output = new RecordBatchBuilder();
            while (await ReadAsync(reader, job, output, ct).ConfigureAwait(false) is { } more)
            {
                if (!more)
                {
                    yield return RecordBatch.Empty(HadoopPosition.Done(job.Digest).ToPosition());
                    yield break;
                }

                yield return output.Build(reader.Position.ToPosition(), reader.TakeFetched(), $"{reader.FileName} line");
                ct.ThrowIfCancellationRequested();
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    // Null where nothing of the job has to stand in the checkpoint but what the ledger has of it.
    private Partition? PartitionOf(JobFolder job, JobProgress progress, int upTo, JobLedger ledger, bool isLimited)
    {
        // With a limit the records of what was read still have to be counted, and the ledger counts none.
        if (progress.First == job.Files.Count && !(progress.IsSaved && isLimited))
        {
            ledger.Add(job.Folder, job.Digest);
            return null;
        }

        if (upTo < job.Files.Count) _upTo[job.Id] = upTo;
        var partition = new Partition(job.Id, progress.Start.ToPosition()) { InOrder = true, Extent = 0 };
        if (upTo == progress.First && upTo < job.Files.Count)
        {
            // Its turn is in another pass: what is known of it, even that it was run again, stays as it is until then.
            _upTo[job.Id] = 0;
            return progress.IsSaved ? partition : null;
        }

        ledger.Remove(job.Folder);
        var files = job.First(upTo).Files.Skip(progress.First).ToArray();
        foreach (var file in files) Packing.Check(file, _store.NameOf(file));
        var skipped = files.Length > 0 && !Packing.IsPacked(files[0]) ? progress.Offset : 0;
        return partition with
        {
            Extent = files.Sum(f => f.Size) - skipped,
            StartsOverBecause = progress.IsAnew ? "the job was run again: its files are not the ones that were read" : null,
        };
    }

    // False at the job's end; null where its files are not what they were.
    private async ValueTask<bool?> ReadAsync(JobReader reader, JobFolder job, RecordBatchBuilder output, CancellationToken ct)
    {
        try
        {
            return await reader.ReadAsync(output, ct).ConfigureAwait(false);
        }
        catch (ObjectChangedException e)
        {
            NoteChange(job, e.Path);
            return null;
        }
    }

    // The next plan sees the job as it is then: a snapshot is continued with one, and changes are looked for at the next interval.
    private void NoteChange(JobFolder job, string path)
    {
        if (_changed.TryGetValue(job.Id, out var digest) && digest == job.Digest)
        {
            _jobs = null;
            throw HadoopErrors.Changing.Error($"{PrintableText.Escape(path)} can't be read as it was listed, twice with the same list.");
        }

        _changed[job.Id] = job.Digest;
        SnapshotContinues = true;
        Log.JobChanged(_log, job.Id.Value, PrintableText.Escape(path));
    }

    private async Task<Dictionary<PartitionId, JobFolder>> ListAsync(CancellationToken ct)
    {
        var files = await _store.ListAsync(ct).ConfigureAwait(false);
        var listing = JobListing.Of(files, _options.RequireSuccess);
        if (listing.Unfinished.Count != _unfinished && listing.Unfinished.Count > 0)
        {
            Log.UnfinishedJobs(_log, listing.Unfinished.Count, PrintableText.Escape(listing.Unfinished[0]));
        }

        if (listing.Copied.Count != _copied && listing.Copied.Count > 0)
        {
            Log.FilesBeingCopied(_log, listing.Copied.Count, PrintableText.Escape(listing.Copied[0]), _options.RequireSuccess ? "their whole jobs" : "these files");
        }

        _copied = listing.Copied.Count;
        if (!_toldPartitions && listing.PartitionFolder is { } folder)
        {
            Log.PartitionFolders(_log, PrintableText.Escape(folder));
            _toldPartitions = true;
        }

        if (listing.Jobs.Count == 0 && _unfinished < 0) Log.NoJobs(_log, _store.Description);
        _unfinished = listing.Unfinished.Count;
        return _jobs = listing.Jobs.ToDictionary(j => j.Id);
    }

    private IRecordParser ParserFor(StoredObject file, CsvHeaders headers)
    {
        var (name, path) = (PrintableText.Escape(file.Path), _store.NameOf(file));
        return _options.Format switch
        {
            HadoopFormat.ObjectCounts => new ObjectCountLines(file.Name),
            HadoopFormat.KeyValue => new KeyValueLines(file.Name),
            HadoopFormat.Jsonl => new JsonLinesParser(_options.JsonLines, name),
            _ => new CsvParser(_options.Csv, name, path, _log, headers),
        };
    }
}
