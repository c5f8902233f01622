using System.Globalization;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>One file being read: its bytes, its parser, and the place that has been reached.</summary>
internal sealed class OpenFile : IDisposable
{
    private readonly InputFile _file;
    private readonly IRecordParser _parser;
    private readonly long _packed;
    private readonly int _windowBytes;
    private long _modified;
    private Stream _stream;
    private RecordStream _records;
    private byte[] _beginning = [];
    private Fingerprint _head;
    private Fingerprint _tail;

    private OpenFile(InputFile file, IRecordParser parser, Stream stream, long modified, long packed, int windowBytes)
    {
        (_file, _parser, _stream, _modified, _packed, _windowBytes) = (file, parser, stream, modified, packed, windowBytes);
        _records = new RecordStream(stream, parser, patient: !file.IsStream, windowBytes) { HoldsUnfinished = true };
    }

    /// <summary>The place behind the last record that was read.</summary>
    public FilePosition Position => new(_records.Offset, _records.Line, _modified, _head, _tail);

    /// <summary>
    /// The same, once the end of a packed file has been reached. What is written to it after it was opened makes it another one, read or not.
    /// </summary>
    public FilePosition End => Position with { Packed = _packed };

    /// <summary>True at the end of a file whose last line has no end and was left alone.</summary>
    public bool IsUnfinished => _records.IsUnfinished;

    /// <summary>How many bytes were left alone.</summary>
    public int Unfinished => _records.Left;

    /// <summary>True where a line end is among them.</summary>
    public bool UnfinishedHoldsLines => _records.LeftHoldsLines;

    /// <summary>Opens a file behind its header.</summary>
    /// <exception cref="PipelineException">It is not there, can't be read, or its header is of no use.</exception>
    public static async Task<OpenFile> OpenAsync(
        InputFile file, IRecordParser parser, CancellationToken ct, int windowBytes = ChunkReader.DefaultWindowBytes)
    {
        // Asked before it is opened: one that is put in its place in between is then another one to the next look, never as read.
        var (modified, packed) = (file.Modified, file.IsCompressed && File.Exists(file.Path) ? file.Length!.Value : 0);
        var open = new OpenFile(file, parser, await file.OpenAsync(0, ct).ConfigureAwait(false), modified, packed, windowBytes);
        try
        {
            open._beginning = await open.GuardAsync(() => open._records.ReadHeaderAsync(file.Path, Fingerprint.MaxLength, ct)).ConfigureAwait(false);
            open._head = Fingerprint.Of(open._beginning);
            return open;
        }
        catch
        {
            open.Dispose();
            throw;
        }
    }

    /// <summary>Goes on from a position further on; one within the header is passed over.</summary>
    public async Task SeekAsync(FilePosition position, CancellationToken ct)
    {
        if (position.Offset <= _records.Offset) return;
        Close();
        var (offset, before) = (position.Offset, new byte[3]);
        _stream = await GuardAsync(() => _file.OpenAsync(offset - 1, ct)).ConfigureAwait(false);
        await GuardAsync(() => _stream.ReadAtLeastAsync(before.AsMemory(0, 1), 1, throwOnEndOfStream: false, ct).AsTask()).ConfigureAwait(false);
        if (before[0] != '\n')
        {
            var read = await GuardAsync(() => _stream.ReadAtLeastAsync(before.AsMemory(1), 2, throwOnEndOfStream: false, ct).AsTask()).ConfigureAwait(false);
            offset += LateLineEnd(before.AsSpan(0, 1 + read));
            Close();
            _stream = await GuardAsync(() => _file.OpenAsync(offset, ct)).ConfigureAwait(false);
        }

        _records = new RecordStream(_stream, _parser, patient: true, _windowBytes, offset, position.Line) { HoldsUnfinished = true };
        _tail = position.Tail;
    }

    /// <summary>Why a position of an earlier run is of no use for this file, as a clause; null where the file is as it was, or has only grown.</summary>
    public async Task<string?> ChangeSinceAsync(FilePosition position, CancellationToken ct)
    {
        if (position.Offset == 0 || _file.IsStream) return null;
        var lost = string.Create(CultureInfo.InvariantCulture, $"what was written to it after line {position.Line - 1} is not copied, unless another of the files that are read holds it");
        var replaced = $"the file that was read before is not there any more: {lost}";
        if (_beginning.Length < position.Head.Length || Fingerprint.Of(_beginning.AsSpan(0, position.Head.Length)) != position.Head) return replaced;

        // The byte behind the position too: a last line that had no end yet may have been written on.
        var before = new byte[position.Tail.Length + 1];
        var stream = await GuardAsync(() => _file.OpenAsync(position.Offset - position.Tail.Length, ct)).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var read = await GuardAsync(() => stream.ReadAtLeastAsync(before, before.Length, throwOnEndOfStream: false, ct).AsTask()).ConfigureAwait(false);
            if (read < position.Tail.Length) return $"the file is shorter than what was read of it before: {lost}";
            if (Fingerprint.Of(before.AsSpan(0, position.Tail.Length)) != position.Tail) return replaced;
            if (read == before.Length && read > 1 && !IsLineEnd(before[^1]) && !IsLineEnd(before[^2])) return "its last line was not finished when it was read";
        }

        // The end of a packed file tells whether what came before it was damaged: what is mended may be anywhere in it.
        if (_file.IsCompressed) return position.Packed == 0 && _modified != position.Modified ? "the file was written to before it had been read to its end" : null;
        return _file.Length == position.Offset && _modified != position.Modified ? "the file was written to since it was read" : null;
    }

    /// <summary>Adds records up to the end of what has been loaded, and loads more where that holds none that is whole.</summary>
    /// <returns>How many bytes they cover; 0 at the end of the file.</returns>
    public async ValueTask<long> ReadAsync(RecordBatchBuilder output, CancellationToken ct)
    {
        var bytes = await GuardAsync(() => _records.ReadAsync(output, ct).AsTask()).ConfigureAwait(false);
        if (bytes > 0) _tail = Fingerprint.Of(_records.LastRead((int)Math.Min(Fingerprint.MaxLength, bytes)));
        return bytes;
    }

    /// <summary>What is left without a line end is a record.</summary>
    public void TakeUnfinished() => _records.HoldsUnfinished = false;

    /// <summary>Asks the file once more whether it has grown.</summary>
    public void LookAgain()
    {
        _modified = _file.Modified;
        _records.LookAgain();
    }

    public void Dispose() => Close();

    // How long a line end is that was written only after its line had been read and counted; it stands behind the first of these bytes.
    private static int LateLineEnd(ReadOnlySpan<byte> around) => around switch
    {
        [not (byte)'\r', (byte)'\r', (byte)'\n'] => 2,
        [_, (byte)'\n', ..] or [not (byte)'\r', (byte)'\r', ..] => 1,
        _ => 0,
    };

    private static bool IsLineEnd(byte character) => character is (byte)'\n' or (byte)'\r';

    private async Task<T> GuardAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw _file.Problem(e);
        }
    }

    private void Close()
    {
        _records.Dispose();
        _stream.Dispose();
    }
}
