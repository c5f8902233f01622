using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>Records out of a stream of unpacked bytes, and the place in it that has been reached.</summary>
internal sealed class RecordStream : IDisposable
{
    private readonly IRecordParser _parser;
    private readonly ChunkReader _chunk;

    /// <param name="stream">Stands on a record's first byte, or on the beginning where <see cref="ReadHeaderAsync"/> is called; stays the caller's.</param>
    /// <param name="parser">Finds the records.</param>
    /// <param name="patient">As <see cref="ChunkReader"/> has it.</param>
    /// <param name="windowBytes">How many bytes are loaded at once, which is what a batch covers.</param>
    /// <param name="offset">Bytes before the place where the stream stands.</param>
    /// <param name="line">The number of the line that begins there, from 1.</param>
    public RecordStream(Stream stream, IRecordParser parser, bool patient, int windowBytes, long offset = 0, long line = 1)
    {
        (_parser, Offset, Line) = (parser, offset, line);
        _chunk = new ChunkReader(stream, patient, windowBytes);
    }

    /// <summary>Bytes before the next record.</summary>
    public long Offset { get; private set; }

    /// <summary>The number of the line on which the next record begins.</summary>
    public long Line { get; private set; }

    /// <summary>True to leave a last record alone that has no line end: it may not have been written whole yet.</summary>
    public bool HoldsUnfinished { get; set; }

    /// <summary>True at the stream's end where such a record was left alone.</summary>
    public bool IsUnfinished => _chunk.AtEnd && _chunk.Count > 0;

    /// <summary>How many bytes are loaded and not read.</summary>
    public int Left => _chunk.Count;

    /// <summary>True where a line end is among them.</summary>
    public bool LeftHoldsLines => _parser.LineLength(_chunk.Window) > 0;

    /// <summary>Asks the stream once more whether it has grown.</summary>
    public void LookAgain() => _chunk.LookAgain();

    /// <summary>Reads what stands before the first record.</summary>
    /// <param name="path">What to call the file in an error.</param>
    /// <param name="most">How much of the beginning is wanted.</param>
    /// <param name="ct">Ends reading.</param>
    /// <returns>The first bytes, at most <paramref name="most"/>.</returns>
    /// <exception cref="PipelineException">The header is of no use.</exception>
    public async Task<byte[]> ReadHeaderAsync(string path, int most, CancellationToken ct)
    {
        int used, lines;
        do
        {
            await _chunk.FillAsync(ct).ConfigureAwait(false);
            if (_chunk.Window is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]) throw FilesErrors.Utf16.Error($"{path} begins with a UTF-16 byte order mark.");
            if (FileSignature.Of(_chunk.Window) is { } kind) throw FilesErrors.NotText.Error($"The content of {path} is {kind}.");
            (used, lines) = (-1, 0);
            if (_chunk.Count >= FileSignature.Length || _chunk.AtEnd) used = _parser.ReadHeader(_chunk.Padded, _chunk.AtEnd, out lines);
            if (used < 0 && _chunk.Count >= InputFile.MaxRecordBytes)
            {
                throw FilesErrors.Unreadable.Error(
                    $"The header of {path} is longer than {InputFile.MaxRecordBytes >> 20} MiB.", "Mend its first line; a quote that is never closed does this too.");
            }
        }
        while (used < 0);

        var beginning = _chunk.Window[..Math.Min(_chunk.Count, most)].ToArray();
        Advance(used, lines);
        return beginning;
    }

    /// <summary>Adds records up to the end of what has been loaded, and loads more where that holds none that is whole.</summary>
    /// <returns>How many bytes they cover; 0 at the end of the stream, or where it <see cref="IsUnfinished"/>.</returns>
    public async ValueTask<long> ReadAsync(RecordBatchBuilder output, CancellationToken ct)
    {
        var before = Offset;
        while (true)
        {
            while (_chunk.Count > 0)
            {
                var used = _parser.ReadRecord(_chunk.Padded, _chunk.AtEnd && !HoldsUnfinished, Line, output, out var lines);
                if (used == 0) break;
                Advance(used, lines);
            }

            if (Offset > before) return Offset - before;
            if (_chunk.AtEnd) return 0;
            if (_chunk.Count < InputFile.MaxRecordBytes) await _chunk.FillAsync(ct).ConfigureAwait(false);
            else if (_parser.GiveUp(_chunk.Window, Line, output) is > 0 and var used) Advance(used, 1);
            else await SkipLineAsync(output, ct).ConfigureAwait(false);
        }
    }

    /// <summary>The last bytes that were read, at most <paramref name="most"/>.</summary>
    public ReadOnlySpan<byte> LastRead(int most) => _chunk.Consumed(most);

    public void Dispose() => _chunk.Dispose();

    // The longest record that is held in memory has been reached: what is left of its line is passed over without being kept.
    private async Task SkipLineAsync(RecordBatchBuilder output, CancellationToken ct)
    {
        output.AddMalformed(Line, [], _chunk.Window, FilesErrors.TooLong, $"The record that begins here is longer than {InputFile.MaxRecordBytes >> 20} MiB.");
        while (true)
        {
            var length = _parser.LineLength(_chunk.Window);
            Advance(length == 0 ? _chunk.Count : length, 0);
            if (length > 0 || _chunk.AtEnd) break;
            await _chunk.FillAsync(ct).ConfigureAwait(false);
        }

        Line++;
    }

    private void Advance(int bytes, int lines)
    {
        _chunk.Consume(bytes);
        Offset += bytes;
        Line += lines;
    }
}
