using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>One file being read: its bytes, its parser, and the place that has been reached.</summary>
internal sealed class OpenFile : IDisposable
{
    private readonly InputFile _file;
    private readonly IRecordParser _parser;
    private readonly long _modified;
    private readonly int _windowBytes;
    private Stream _stream;
    private ChunkReader _chunk;
    private byte[] _beginning = [];
    private Fingerprint _head;
    private Fingerprint _tail;
    private long _offset;
    private long _line = 1;

    private OpenFile(InputFile file, IRecordParser parser, Stream stream, int windowBytes)
    {
        (_file, _parser, _stream, _modified, _windowBytes) = (file, parser, stream, file.Modified, windowBytes);
        _chunk = new ChunkReader(stream, patient: !file.IsStandardInput, windowBytes);
    }

    /// <summary>The place behind the last record that was read.</summary>
    public FilePosition Position => new(_offset, _line, _modified, _head, _tail);

    /// <summary>Opens a file behind its header.</summary>
    /// <exception cref="PipelineException">It is not there, can't be read, or its header is of no use.</exception>
    public static async Task<OpenFile> OpenAsync(
        InputFile file, IRecordParser parser, CancellationToken ct, int windowBytes = ChunkReader.DefaultWindowBytes)
    {
        var open = new OpenFile(file, parser, await file.OpenAsync(0, ct).ConfigureAwait(false), windowBytes);
        try
        {
            await open.ReadHeaderAsync(ct).ConfigureAwait(false);
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
        if (position.Offset <= _offset) return;
        Close();
        _stream = await GuardAsync(() => _file.OpenAsync(position.Offset, ct)).ConfigureAwait(false);
        _chunk = new ChunkReader(_stream, patient: !_file.IsStandardInput, _windowBytes);
        (_offset, _line, _tail) = (position.Offset, position.Line, position.Tail);
    }

    /// <summary>Why a position of an earlier run is of no use for this file, as a clause; null where the file is as it was, or has only grown.</summary>
    public async Task<string?> ChangeSinceAsync(FilePosition position, CancellationToken ct)
    {
        if (position.Offset == 0 || _file.IsStandardInput) return null;
        const string replaced = "the file is not the one that was read before";
        if (_beginning.Length < position.Head.Length || Fingerprint.Of(_beginning.AsSpan(0, position.Head.Length)) != position.Head) return replaced;

        // The byte behind the position too: a last line that had no end yet may have been written on.
        var before = new byte[position.Tail.Length + 1];
        var stream = await GuardAsync(() => _file.OpenAsync(position.Offset - position.Tail.Length, ct)).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var read = await GuardAsync(() => stream.ReadAtLeastAsync(before, before.Length, throwOnEndOfStream: false, ct).AsTask()).ConfigureAwait(false);
            if (read < position.Tail.Length) return "the file is shorter than what was read of it before";
            if (Fingerprint.Of(before.AsSpan(0, position.Tail.Length)) != position.Tail) return replaced;
            if (read == before.Length && read > 1 && !IsLineEnd(before[^1]) && !IsLineEnd(before[^2])) return "its last line was not finished when it was read";
        }

        return _file.Length == position.Offset && _modified != position.Modified ? "the file was written to since it was read" : null;
    }

    /// <summary>Adds records up to the end of what has been loaded, and loads more where that holds none that is whole.</summary>
    /// <returns>How many bytes they cover; 0 at the end of the file.</returns>
    public async ValueTask<long> ReadAsync(RecordBatchBuilder output, CancellationToken ct)
    {
        var before = _offset;
        while (true)
        {
            while (_chunk.Count > 0)
            {
                var used = _parser.ReadRecord(_chunk.Padded, _chunk.AtEnd, _line, output, out var lines);
                if (used == 0) break;
                Advance(used, lines);
            }

            if (_offset > before)
            {
                _tail = Fingerprint.Of(_chunk.Consumed((int)Math.Min(Fingerprint.MaxLength, _offset - before)));
                return _offset - before;
            }

            if (_chunk.AtEnd) return 0;
            if (_chunk.Count < InputFile.MaxRecordBytes) await FillAsync(ct).ConfigureAwait(false);
            else if (_parser.GiveUp(_chunk.Window, _line, output) is > 0 and var used) Advance(used, 1);
            else await SkipLineAsync(output, ct).ConfigureAwait(false);
        }
    }

    public void Dispose() => Close();

    private async Task ReadHeaderAsync(CancellationToken ct)
    {
        int used, lines;
        do
        {
            await FillAsync(ct).ConfigureAwait(false);
            if (_chunk.Window is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]) throw FilesErrors.Utf16.Error($"{_file.Path} begins with a UTF-16 byte order mark.");
            used = _parser.ReadHeader(_chunk.Padded, _chunk.AtEnd, out lines);
        }
        while (used < 0);

        _beginning = _chunk.Window[..Math.Min(_chunk.Count, Fingerprint.MaxLength)].ToArray();
        _head = Fingerprint.Of(_beginning);
        Advance(used, lines);
    }

    // The longest record that is held in memory has been reached: what is left of its line is passed over without being kept.
    private async Task SkipLineAsync(RecordBatchBuilder output, CancellationToken ct)
    {
        output.AddMalformed(_line, [], _chunk.Window, FilesErrors.TooLong, $"The record that begins here is longer than {InputFile.MaxRecordBytes >> 20} MiB.");
        while (true)
        {
            var newline = _chunk.Window.IndexOf((byte)'\n');
            Advance(newline < 0 ? _chunk.Count : newline + 1, 0);
            if (newline >= 0 || _chunk.AtEnd) break;
            await FillAsync(ct).ConfigureAwait(false);
        }

        _line++;
    }

    private static bool IsLineEnd(byte character) => character is (byte)'\n' or (byte)'\r';

    private void Advance(int bytes, int lines)
    {
        _chunk.Consume(bytes);
        _offset += bytes;
        _line += lines;
    }

    private async ValueTask FillAsync(CancellationToken ct) =>
        await GuardAsync(async () =>
        {
            await _chunk.FillAsync(ct).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);

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
        _chunk.Dispose();
        _stream.Dispose();
    }
}
