using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Planning;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Verification;

/// <summary>
/// One look at both ends: reads the source, asks the sink how each record reads back, reads the sink's place, and compares. Of each record only the
/// key and a hash are kept.
/// </summary>
internal sealed class Look : IDisposable
{
    private readonly PipelineSetup _setup;
    private readonly VerifyOptions _options;
    private readonly IVerifiableSink _sink;
    private readonly ReadBackPlace _place;
    private readonly KeySketch? _only;
    private readonly DocumentPairs _pairs;
    private readonly ulong _seed;
    private readonly KeyTable _expected;
    private readonly KeyTable _found;
    private readonly PlanTally _problems;
    private readonly ConcurrentBag<CanonicalJson> _canonical = [];
    private HashSet<byte[]>? _fields;
    private Winner _winner = Winner.Last;
    private long _read;
    private long _filtered;
    private long _keyless;
    private long _unreadable;
    private long _otherKeys;
    private long _seen;

    /// <param name="setup">What a run would be made of.</param>
    /// <param name="options">How much memory, and which keys.</param>
    /// <param name="place">Where the sink's documents are read back.</param>
    /// <param name="only">The keys to look at; null for all.</param>
    /// <param name="pairs">Where documents are kept that are wanted.</param>
    /// <param name="seed">The seed of all hashes of keys.</param>
    public Look(PipelineSetup setup, VerifyOptions options, ReadBackPlace place, KeySketch? only, DocumentPairs pairs, ulong seed)
    {
        (_setup, _options, _place, _only, _pairs, _seed) = (setup, options, place, only, pairs, seed);
        _sink = (IVerifiableSink)setup.Sink;
        _expected = new KeyTable(options.MemoryBytes, seed);
        _found = new KeyTable(options.MemoryBytes, seed);
        _problems = new PlanTally(0, seed);
    }

    /// <summary>Records read at the source.</summary>
    public long Read => Interlocked.Read(ref _read);

    /// <summary>Documents read in the sink's place, those that are not looked at among them.</summary>
    public long Seen => Interlocked.Read(ref _seen);

    /// <summary>Records left out by a rule.</summary>
    public long Filtered => _filtered;

    /// <summary>Documents found in the sink.</summary>
    public long There => _found.Count;

    /// <summary>What the sink holds and could not be read so far as to know its key.</summary>
    public long Unreadable => _unreadable;

    /// <summary>Records of the source that could not be read so far as to know their key.</summary>
    public long Keyless => _keyless;

    /// <summary>Documents to look at whose key in the sink is not that of their record.</summary>
    public long OtherKeys => _otherKeys;

    /// <summary>Records that the sink does not take.</summary>
    public PlanTally Problems => _problems;

    /// <summary>The documents that were kept.</summary>
    public DocumentPairs Pairs => _pairs;

    /// <summary>Where the sink's documents are read back.</summary>
    public ReadBackPlace Place => _place;

    /// <summary>The fields that count; null for all.</summary>
    public HashSet<byte[]>? Fields => _fields;

    /// <summary>Reads all of the source.</summary>
    public async Task ReadSourceAsync(RetryPolicy source, RetryPolicy sink, CancellationToken ct)
    {
        var reader = new SnapshotReader(_setup.Source, source, _setup.Selection, _setup.Threads);
        var partitions = await reader.PlanAsync(ct).ConfigureAwait(false);
        if (partitions.FirstOrDefault(p => !p.Resumable) is { } once) throw VerifyErrors.ReadOnce.Error($"'{once.Id}' can be read only once.");
        var oneByOne = _sink is IResumableSink || partitions.Count == 1 || partitions.Any(p => p.InOrder);
        _winner = _sink is IResumableSink ? Winner.FirstOrLast : oneByOne || partitions.All(KeysAreUnique) ? Winner.Last : Winner.Any;
        await reader.ReadAsync(partitions, _sink is IResumableSink, (partition, batch, stop) => ExpectAsync(partition, batch, sink, stop), ct).ConfigureAwait(false);
    }

    /// <summary>Reads all of the sink's place.</summary>
    public async Task ReadPlaceAsync(RetryPolicy sink, CancellationToken ct)
    {
        var reader = new SnapshotReader(_place.Source, sink, Selection.Everything, _setup.Threads);
        var partitions = await reader.PlanAsync(ct).ConfigureAwait(false);
        await reader.ReadAsync(
            partitions,
            false,
            (_, batch, _) =>
            {
                using (batch) Find(batch);
                return Task.CompletedTask;
            },
            ct).ConfigureAwait(false);
    }

    /// <summary>Says how each key stands.</summary>
    public void Compare(TellVerdict tell) => new KeyComparison(_seed, _winner, tell).Run(_expected, _found);

    /// <inheritdoc/>
    public void Dispose()
    {
        _expected.Dispose();
        _found.Dispose();
    }

    private bool KeysAreUnique(Partition partition) => partition.UniqueKeys && _setup.Transform?.ChangesKeys != true;

    private bool Concerns(ReadOnlySpan<byte> key) => _only is null || _only.MayHave(key);

    private async Task ExpectAsync(Partition partition, RecordBatch batch, RetryPolicy retry, CancellationToken ct)
    {
        var (read, filtered) = (batch.Count + batch.Malformed.Count, 0);
        if (_setup.Transform is not null) batch = _setup.Transform.Apply(batch, out filtered);
        Interlocked.Add(ref _read, read);
        Interlocked.Add(ref _filtered, filtered);
        using (batch)
        {
            foreach (var malformed in batch.Malformed) NoteMalformed(malformed, batch);
            var records = Chosen(batch, KeysAreUnique(partition));
            for (var start = 0; start < records.Count;)
            {
                var (slice, limits) = (records, _sink.Limits);
                var (count, bytes) = (0, 0L);
                while (start + count < slice.Count && count < limits.MaxRecords && (count == 0 || bytes + slice[start + count].Bytes <= limits.MaxBytes))
                {
                    bytes += slice[start + count++].Bytes;
                }

                await ReadBackAsync(batch, slice.Slice(start, count), retry, ct).ConfigureAwait(false);
                start += count;
            }
        }
    }

    // What the sink is to be asked about: of each key the last record, as a run would write it. A file is given every record, in order.
    private RecordSlice Chosen(RecordBatch batch, bool unique)
    {
        var keepsAll = _sink is IResumableSink;
        var most = _sink.Limits.MaxRecordBytes;
        var records = new RecordSlice(batch.Records);
        var met = unique || keepsAll ? null : new HashSet<byte[]>(KeyComparer.Instance);
        var chosen = new List<int>(records.Count);
        for (var i = records.Count - 1; i >= 0; i--)
        {
            ref readonly var record = ref records[i];
            if (_place.KeepsKeys && !Concerns(record.Key.Span)) continue;
            if (met is not null && !met.Add(record.Key.ToArray())) continue;
            if (record.Bytes > most) Refuse(record, batch, EngineErrors.RecordTooLarge, EngineErrors.TooLarge(record.Bytes, most));
            else if (record.Operation == RecordOperation.Delete && !keepsAll) _expected.Add(record.Key.Span, KeyState.Deleted, default);
            else chosen.Add(i);
        }

        chosen.Reverse();
        return chosen.Count == records.Count ? records : records.Pick(chosen);
    }

    private async Task ReadBackAsync(RecordBatch batch, RecordSlice slice, RetryPolicy retry, CancellationToken ct)
    {
        var (failures, back) = await retry.CallAsync(
            async stop =>
            {
                using var output = new RecordBatchBuilder();
                var refused = await _sink.ReadBackAsync(slice, output, stop).ConfigureAwait(false);
                return (refused, output.Build(default, 0, batch.PlaceUnit));
            },
            ct).ConfigureAwait(false);
        using (back)
        {
            // Invariant 2: a record that is neither here nor there would never be missed.
            if (back.Count + back.Malformed.Count + failures.Count != slice.Count)
            {
                throw new InvalidOperationException(
                    $"The sink made {back.Count} documents, {back.Malformed.Count} malformed ones and {failures.Count} failures of {slice.Count} records.");
            }

            foreach (var failure in failures) Refuse(slice[failure.Index], batch, failure.Error, failure.Reason);
            foreach (var malformed in back.Malformed) NoteUnreadable(malformed, batch);
            Hash(back, _expected, _pairs.Expect);
            if (!_place.KeepsKeys) NoteOtherKeys(slice, back);
        }
    }

    private void NoteOtherKeys(RecordSlice slice, RecordBatch back)
    {
        // Nearly always each record is where it was, under its key.
        if (back.Count == slice.Count && Enumerable.Range(0, slice.Count).All(i => back.Records.Span[i].Key.Span.SequenceEqual(slice[i].Key.Span))) return;
        var keys = new HashSet<byte[]>(slice.Count, KeyComparer.Instance);
        foreach (ref readonly var record in slice.Records) keys.Add(record.Key.ToArray());
        var own = keys.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (ref readonly var record in back.Records.Span)
        {
            if (Concerns(record.Key.Span) && !own.Contains(record.Key.Span)) Interlocked.Increment(ref _otherKeys);
        }
    }

    private void Find(RecordBatch batch)
    {
        Interlocked.Add(ref _seen, batch.Count + batch.Malformed.Count);
        foreach (var malformed in batch.Malformed)
        {
            if (malformed.Key.IsEmpty) Interlocked.Increment(ref _unreadable);
            else if (_options.Shard.Has(malformed.Key.Span) && Concerns(malformed.Key.Span)) _found.Add(malformed.Key.Span, KeyState.Unreadable, default);
        }

        Hash(batch, _found, _pairs.Find);
    }

    private void Hash(RecordBatch batch, KeyTable table, KeepDocument keep)
    {
        var fields = KnownFields();
        if (!_canonical.TryTake(out var canonical)) canonical = new CanonicalJson(_place.FractionsAreDoubles);
        foreach (ref readonly var record in batch.Records.Span)
        {
            if (!Concerns(record.Key.Span) || (_place.KeepsKeys && !_options.Shard.Has(record.Key.Span))) continue;
            if (record.Operation == RecordOperation.Delete)
            {
                table.Add(record.Key.Span, KeyState.Deleted, default);
                continue;
            }

            try
            {
                table.Add(record.Key.Span, KeyState.Document, canonical.Hash(record.Json.Span, fields));
                keep(record);
            }
            catch (JsonException)
            {
                table.Add(record.Key.Span, KeyState.Unreadable, default);
            }
        }

        _canonical.Add(canonical);
    }

    // The sink meets more fields as more documents come.
    private HashSet<byte[]>? KnownFields()
    {
        if (_place.Fields is not { } ask) return null;
        var known = ask();
        var fields = Volatile.Read(ref _fields);
        if (fields?.Count == known.Count) return fields;
        fields = new HashSet<byte[]>(known.Select(Encoding.UTF8.GetBytes), KeyComparer.Instance);
        Volatile.Write(ref _fields, fields);
        return fields;
    }

    private void Refuse(in Record record, RecordBatch batch, ErrorCode error, string reason)
    {
        // Under which key the sink may hold an older document of it is not known then.
        if (!_place.KeepsKeys) Interlocked.Increment(ref _keyless);
        _expected.Add(record.Key.Span, KeyState.Unwritable, default);
        lock (_problems) _problems.AddFailure(error, record.Key.Span, batch.PlaceOf(record.Place), record.Bytes, reason, _setup.SinkNames);
    }

    private void NoteMalformed(MalformedRecord malformed, RecordBatch batch)
    {
        // With --id-field the key that could be read is the source's, and the sink has another one; where the sink writes keys otherwise, it may have.
        var isOther = malformed.Key.IsEmpty || _setup.Transform?.ChangesKeys == true;
        if (isOther || !_place.KeepsKeys) Interlocked.Increment(ref _keyless);
        if (!isOther && Concerns(malformed.Key.Span)) _expected.Add(malformed.Key.Span, KeyState.Unwritable, default);
        lock (_problems) _problems.AddFailure(malformed.Error, malformed.Key.Span, batch.PlaceOf(malformed.Place), malformed.Raw.Length, malformed.Reason);
    }

    private void NoteUnreadable(MalformedRecord malformed, RecordBatch batch)
    {
        if (malformed.Key.IsEmpty) Interlocked.Increment(ref _keyless);
        else _expected.Add(malformed.Key.Span, KeyState.Unwritable, default);
        lock (_problems)
        {
            _problems.AddFailure(
                VerifyErrors.UnreadableThere, malformed.Key.Span, batch.PlaceOf(malformed.Place), malformed.Raw.Length, $"Read back from the sink it is no record: {malformed.Reason}");
        }
    }
}

/// <summary>Keeps a document, where it is wanted; the record is borrowed.</summary>
internal delegate void KeepDocument(in Record record);
