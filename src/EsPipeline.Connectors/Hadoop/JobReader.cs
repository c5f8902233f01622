using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;
using ICSharpCode.SharpZipLib;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>Reads the files of one job in order, from a place in one of them on.</summary>
internal sealed class JobReader : IAsyncDisposable
{
    private readonly IObjectStore _store;
    private readonly JobFolder _job;
    private readonly Func<StoredObject, IRecordParser> _parserFor;
    private readonly ReadTuning _tuning;
    private readonly RangeAhead _ahead;
    private readonly HadoopPosition _from;
    private int _file;
    private ulong _digest;
    private ObjectStream? _stored;
    private Stream? _content;
    private RecordStream? _records;
    private IRecordParser? _parser;

    /// <param name="store">Where the files lie.</param>
    /// <param name="job">The job.</param>
    /// <param name="from">A place that <see cref="HadoopPosition.IndexIn"/> finds in the job.</param>
    /// <param name="parserFor">Makes the parser of a file.</param>
    /// <param name="tuning">How much is fetched and read at once.</param>
    /// <param name="ct">Ends reading.</param>
    public JobReader(
        IObjectStore store, JobFolder job, HadoopPosition from, Func<StoredObject, IRecordParser> parserFor, ReadTuning tuning, CancellationToken ct)
    {
        (_store, _job, _from, _parserFor, _tuning) = (store, job, from, parserFor, tuning);
        _file = from.IndexIn(job) ?? throw new ArgumentException("The position is not in this job.", nameof(from));
        _digest = job.DigestBefore(_file);
        _ahead = new RangeAhead(store, job.Files, _file, StoredOffset, tuning, ct);
    }

    /// <summary>The file whose records were read last, and the place behind them.</summary>
    public HadoopPosition Position { get; private set; } = HadoopPosition.Start;

    /// <summary>Told of each file whose end is reached.</summary>
    public Action<StoredObject>? Finished { get; init; }

    /// <summary>The name of that file below the place that is read, fit to be shown.</summary>
    public string FileName => PrintableText.Escape(Position.File!.Path);

    // A file that is not packed is fetched from where reading goes on; a packed one has to be unpacked from its beginning.
    private long StoredOffset => _file < _job.Files.Count && !Packing.IsPacked(_job.Files[_file]) ? _from.Offset : 0;

    /// <summary>Stored bytes that were fetched since it was last asked.</summary>
    public long TakeFetched() => _ahead.TakeDelivered();

    /// <summary>Adds the next records, all of one file.</summary>
    /// <returns>False when there are no more.</returns>
    /// <exception cref="ObjectChangedException">A file is not the one that the job had when it was listed.</exception>
    public async ValueTask<bool> ReadAsync(RecordBatchBuilder output, CancellationToken ct)
    {
        while (_file < _job.Files.Count)
        {
            var file = _job.Files[_file];
            var bytes = await GuardAsync(file, async () =>
            {
                if (_records is null) await OpenAsync(file, ct).ConfigureAwait(false);
                return await _records!.ReadAsync(output, ct).ConfigureAwait(false);
            }).ConfigureAwait(false);
            if (bytes > 0)
            {
                Position = new HadoopPosition(_digest, file, _records!.Offset, _records.Line, false);
                return true;
            }

            _parser!.Finish();
            Close();
            Finished?.Invoke(file);
            _digest = JobFolder.Add(_digest, file);
            _file++;
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        // The requests are ended first: an unpacker on another thread may be waiting for one, and is only let go of when it has returned.
        await _ahead.DisposeAsync().ConfigureAwait(false);
        Close();
    }

    private async Task OpenAsync(StoredObject file, CancellationToken ct)
    {
        _parser = _parserFor(file);
        _stored = new ObjectStream(_ahead, _file);
        _content = Packing.Unpack(file, _stored);
        var resumed = _from.Offset > 0 && file == _from.File;
        if (!resumed)
        {
            _records = new RecordStream(_content, _parser, patient: true, _tuning.WindowBytes);
            await _records.ReadHeaderAsync(_store.NameOf(file), 0, ct).ConfigureAwait(false);
            return;
        }

        await ReadHeaderAsync(file, _parser, ct).ConfigureAwait(false);
        if (Packing.IsPacked(file)) await SkipAsync(_content, _from.Offset, ct).ConfigureAwait(false);
        _records = new RecordStream(_content, _parser, patient: true, _tuning.WindowBytes, _from.Offset, _from.Line);
    }

    // The parser has to know the header even where reading goes on far behind it.
    private async Task ReadHeaderAsync(StoredObject file, IRecordParser parser, CancellationToken ct)
    {
        var small = _tuning with { RangeBytes = Math.Min(_tuning.RangeBytes, 64 << 10), Ranges = 1, WindowBytes = 64 << 10 };
        var ahead = new RangeAhead(_store, [file], 0, 0, small, ct);
        await using (ahead.ConfigureAwait(false))
        {
            var content = Packing.Unpack(file, new ObjectStream(ahead, 0));
            await using (content.ConfigureAwait(false))
            {
                using var records = new RecordStream(content, parser, patient: false, small.WindowBytes);
                await records.ReadHeaderAsync(_store.NameOf(file), 0, ct).ConfigureAwait(false);
            }
        }
    }

    private static async Task SkipAsync(Stream content, long bytes, CancellationToken ct)
    {
        var waste = new byte[128 << 10];
        while (bytes > 0)
        {
            var read = await content.ReadAsync(waste.AsMemory(0, (int)Math.Min(waste.Length, bytes)), ct).ConfigureAwait(false);
            if (read == 0) throw new InvalidDataException("it is shorter than what was read of it before");
            bytes -= read;
        }
    }

    private async Task<long> GuardAsync(StoredObject file, Func<Task<long>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or SharpZipBaseException)
        {
            // The unpacker of bz2 takes any failure to read for the file's end.
            if (_stored?.Failure is { } failure) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
            throw HadoopErrors.Damaged.Error($"{_store.NameOf(file)} can't be unpacked: {e.Message}", inner: e);
        }
    }

    private void Close()
    {
        _records?.Dispose();
        _content?.Dispose();
        (_records, _content, _stored, _parser) = (null, null, null, null);
    }
}
