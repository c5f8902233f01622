using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>Reads a part file of any format, and refuses it where its first bytes say that it is no text, whatever its name is.</summary>
/// <param name="path">The file's whole name, for errors.</param>
/// <param name="parser">Reads the text.</param>
internal sealed class TextFile(string path, IRecordParser parser) : IRecordParser
{
    public int ReadHeader(ReadOnlySpan<byte> padded, bool atEnd, out int lines)
    {
        var data = padded[..^ChunkReader.Padding];
        if (data.Length < 4 && !atEnd)
        {
            lines = 0;
            return -1;
        }

        // Neither has an ending in its name by itself. The fourth byte is the format's version, and no text has it; what Parquet and ORC begin
        // with may be a word.
        var kind = data is [(byte)'S', (byte)'E', (byte)'Q', < 9, ..] ? "a SequenceFile" : data is [(byte)'O', (byte)'b', (byte)'j', 1, ..] ? "Avro" : null;
        if (kind is not null) throw HadoopErrors.UnknownPacking.Error($"{path} is {kind}, which espipe can't read.");
        return parser.ReadHeader(padded, atEnd, out lines);
    }

    public int ReadRecord(ReadOnlySpan<byte> padded, bool atEnd, long line, RecordBatchBuilder output, out int lines) => parser.ReadRecord(padded, atEnd, line, output, out lines);

    public int GiveUp(ReadOnlySpan<byte> window, long line, RecordBatchBuilder output) => parser.GiveUp(window, line, output);

    public int LineLength(ReadOnlySpan<byte> window) => parser.LineLength(window);

    public void Finish() => parser.Finish();
}
