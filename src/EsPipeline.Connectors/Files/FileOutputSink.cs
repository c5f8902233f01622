using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// Writes records into one file in the order in which they come. In a snapshot in which keys may come again the first record of a key is
/// written and the others count as unchanged; changes are all written, one after the other, but for those that come again as they were.
/// </summary>
public abstract partial class FileOutputSink : IResumableSink, IRehearsableSink
{
    private const int SliceBytes = 1 << 20;
    private const int HashesAhead = 16;

    // Stands in a token for the number of keys where there were too many of them to be remembered.
    private const long KeysGivenUp = -1;

    private readonly OutputFileOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly OutputFile _file;
    private KeyLog? _keys;
    private bool _keysGivenUp;

    private protected FileOutputSink(OutputFileOptions options, TimeProvider time, ILogger log)
    {
        (_options, _time, _log) = (options, time, log);
        _file = new OutputFile(options.File);
    }

    /// <inheritdoc/>
    public SinkLimits Limits { get; } = new()
    {
        MaxRecords = 1_000_000, StartRecords = 1_000_000, MaxBytes = SliceBytes, Concurrency = 1, StartConcurrency = 1,
    };

    /// <summary>The kind of file, as a person calls it.</summary>
    private protected abstract string Kind { get; }

    /// <summary>Where the sink may keep what belongs to the unfinished file.</summary>
    private protected string PartPath => _file.PartPath;

    /// <summary>True where the file has its name, and what is written goes to its end: nothing is held back any more.</summary>
    private protected bool IsComplete => _file.IsComplete;

    /// <summary>Bytes in the file.</summary>
    private protected long FileLength => _file.Length;

    /// <summary>True for standard output, a pipe or a device.</summary>
    private protected bool IsStream => _file.IsStream;

    private string KeysPath => _file.PartPath + ".keys";

    /// <inheritdoc/>
    public Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var problem = _file.Check();
        var identity = new Dictionary<string, string> { ["file"] = _file.Path };
        return Task.FromResult(new ConnectorHealth($"{Kind} file", _time.GetElapsedTime(started), identity, problem));
    }

    /// <inheritdoc/>
    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task BeginPassAsync(ReadKind kind, bool uniqueKeys, CancellationToken ct)
    {
        var deduplicate = kind == ReadKind.Snapshot && !uniqueKeys && _options.UniqueKeys > 0 && !_keysGivenUp;
        _keys = deduplicate ? _keys ?? new KeyLog(IsStream ? null : KeysPath, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))) : null;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        if (_expectsRepeats) await LearnLatestAsync(ct).ConfigureAwait(false);
        using var output = new RecordBatchBuilder(2 * SliceBytes);
        var failures = new List<RecordFailure>();
        var (keys, mark, unchanged) = (_keys, _keys?.Mark ?? 0, 0);
        EndOtherIds(written: false);
        try
        {
            unchanged = FormatNew(slice, keys, output, failures);
            EndSlice(output);
            Append(output.Current);
        }
        catch (Exception e)
        {
            keys?.Forget(mark);
            _latest?.Forget();
            SliceFailed();
            if (e is IOException or UnauthorizedAccessException) throw _file.Problem(e);
            throw;
        }

        SliceWritten();
        EndOtherIds(written: true);
        RepeatsWritten();
        Guard(() => keys?.SaveIfMany());
        if (keys?.Count >= _options.UniqueKeys)
        {
            Log.UniqueKeysExceeded(_log, _options.UniqueKeys);
            (_keys, _keysGivenUp) = (null, true);
        }

        return new WriteResult(slice.Count - unchanged - failures.Count, unchanged, failures);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct)
    {
        await RestoreStateAsync(null, ct).ConfigureAwait(false);
        return [];
    }

    /// <summary>Formats the records as a write does, for a file that is begun anew.</summary>
    public ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        using var output = new RecordBatchBuilder(2 * SliceBytes);
        var failures = new List<RecordFailure>();
        for (var i = 0; i < slice.Count; i++)
        {
            if (Format(slice[i], output) is { } failure) failures.Add(failure with { Index = i });
        }

        EndSlice(output);
        SliceWritten();
        EndOtherIds(written: true);
        return ValueTask.FromResult(new RehearsedWrite(failures.Count < slice.Count ? 1 : 0, failures));
    }

    /// <inheritdoc/>
    public async Task<string?> FlushAsync(CancellationToken ct)
    {
        var length = _file.Flush();
        if (length is null) return null;
        var state = await GuardAsync(() =>
        {
            _keys?.Save();
            return SaveStateAsync(ct);
        }).ConfigureAwait(false);
        return string.Create(CultureInfo.InvariantCulture, $"out1:{length}:{_keys?.Count ?? (_keysGivenUp ? KeysGivenUp : 0)}:{_keys?.Seed ?? 0:x}:{state}");
    }

    /// <inheritdoc/>
    public async Task<bool> RestoreAsync(string? token, CancellationToken ct)
    {
        _file.Hold();
        (_latest, _knowsLatest, _expectsRepeats, _keysGivenUp) = (null, false, false, false);
        if (token is null)
        {
            _keys = null;
            DeleteBeside(KeysPath);
            _file.Begin();
            return await RestoreStateAsync(null, ct).ConfigureAwait(false);
        }

        var restored = token.Split(':', 7) is ["out1", var name, var length, var tail, var keys, var seed, var state]
            && long.TryParse(keys, CultureInfo.InvariantCulture, out var count)
            && ulong.TryParse(seed, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hashSeed)
            && _file.TryRestore($"{name}:{length}:{tail}")
            && await GuardAsync(async () =>
                ((_keysGivenUp = count == KeysGivenUp) || hashSeed == 0 || (_keys = KeyLog.Load(KeysPath, hashSeed, count)) is not null)
                && await RestoreStateAsync(state, ct).ConfigureAwait(false)).ConfigureAwait(false);
        if (restored && _file.Foreign > 0) Log.CutOff(_log, _file.Path, _file.Foreign);
        return restored;
    }

    /// <inheritdoc/>
    public virtual Task CompleteAsync(CancellationToken ct)
    {
        _file.Complete();
        EndOtherIds(written: true);
        TellOtherIds();
        DeleteBeside(KeysPath);
        (_keys, _keysGivenUp) = (null, false);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        TellOtherIds();
        await _file.DisposeAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes one record's bytes, or says why it can't be written; the index is filled in by the caller.</summary>
    private protected abstract RecordFailure? Format(in Record record, RecordBatchBuilder output);

    /// <summary>All records of a slice have been formatted: the last chance to add bytes to it.</summary>
    private protected virtual void EndSlice(RecordBatchBuilder output)
    {
    }

    /// <summary>The slice's bytes are in the file.</summary>
    private protected virtual void SliceWritten()
    {
    }

    /// <summary>The slice's bytes are not in the file; the same records will come again.</summary>
    private protected virtual void SliceFailed()
    {
    }

    /// <summary>Saves what else belongs to the token; the text comes back in <see cref="RestoreStateAsync"/>.</summary>
    private protected virtual Task<string> SaveStateAsync(CancellationToken ct) => Task.FromResult("");

    /// <summary>Goes back to saved state; null for none.</summary>
    private protected virtual Task<bool> RestoreStateAsync(string? state, CancellationToken ct) => Task.FromResult(true);

    /// <summary>Appends bytes to the file, packed by its name's ending: each call a gzip member or a zstd frame of its own, whole at once.</summary>
    private protected void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        if (Pack(bytes) is { } packed) _file.Append(packed.GetBuffer().AsSpan(0, (int)packed.Length));
        else _file.Append(bytes);
    }

    /// <summary>Removes a file that lies beside the output.</summary>
    private protected void DeleteBeside(string path)
    {
        if (!IsStream) Guard(() => File.Delete(path));
    }

    // What lies beside the output is part of it: what goes wrong there is told as the output's.
    private void Guard(Action change)
    {
        try
        {
            change();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw _file.Problem(e);
        }
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> change)
    {
        try
        {
            return await change().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw _file.Problem(e);
        }
    }

    private int FormatNew(RecordSlice slice, KeyLog? keys, RecordBatchBuilder output, List<RecordFailure> failures)
    {
        var unchanged = 0;
        var latest = _latest;
        Span<UInt128> hashes = stackalloc UInt128[HashesAhead];
        for (var i = -HashesAhead; i < slice.Count; i++)
        {
            var hash = i < 0 ? 0 : hashes[i % HashesAhead];
            if (keys is not null && i + HashesAhead < slice.Count) keys.Prefetch(hashes[(i + HashesAhead) % HashesAhead] = keys.HashOf(slice[i + HashesAhead].Key.Span));
            if (i < 0) continue;
            ref readonly var record = ref slice[i];
            if (keys?.Contains(record.Key.Span, hash) == true || (latest is not null && IsRepeat(record, latest))) unchanged++;
            else if (Format(record, output) is { } failure) failures.Add(failure with { Index = i });
            else keys?.Add(record.Key.Span, hash);

            // At this very key, however the records are cut into slices: a resumed file is the unbroken one.
            if (keys?.Count >= _options.UniqueKeys) keys = null;
        }

        return unchanged;
    }

    private MemoryStream? Pack(ReadOnlySpan<byte> bytes)
    {
        var gzip = _options.File.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        if (!gzip && !_options.File.EndsWith(".zst", StringComparison.OrdinalIgnoreCase)) return null;
        var packed = new MemoryStream();
        using Stream packer = gzip ? new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true) : new ZstdStream(packed, CompressionMode.Compress, leaveOpen: true);
        packer.Write(bytes);
        packer.Dispose();
        return packed;
    }
}
