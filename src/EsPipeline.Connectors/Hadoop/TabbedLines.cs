using System.Text.Unicode;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>Turns the lines of a part file, in which tabs separate the fields, into documents.</summary>
/// <param name="name">The file's name, which documents carry as <c>s3_source_file</c>.</param>
internal abstract class TabbedLines(string name) : IRecordParser
{
    private readonly byte[] _sourceFile = SourceFileOf(name);

    /// <summary>The end of a document: its last field, with the comma before it, and the closing brace.</summary>
    protected ReadOnlySpan<byte> SourceFile => _sourceFile;

    public int ReadHeader(ReadOnlySpan<byte> padded, bool atEnd, out int lines)
    {
        lines = 0;
        var data = padded[..^ChunkReader.Padding];
        if (data.Length < 3 && !atEnd) return -1;
        return data.StartsWith("\uFEFF"u8) ? 3 : 0;
    }

    public int ReadRecord(ReadOnlySpan<byte> padded, bool atEnd, long line, RecordBatchBuilder output, out int lines)
    {
        lines = 1;
        var data = padded[..^ChunkReader.Padding];
        var end = data.IndexOf((byte)'\n');
        if (end < 0 && !atEnd) return 0;
        var text = end < 0 ? data : data[..end];
        if (!text.IsEmpty && !text.SequenceEqual("\r"u8))
        {
            if (Utf8.IsValid(text)) Convert(text, line, output);
            else output.AddMalformed(line, default, text, FilesErrors.NotUtf8, "The line holds bytes that are not UTF-8.");
        }

        return end < 0 ? data.Length : end + 1;
    }

    public void Finish()
    {
    }

    /// <summary>Adds a line's record, or a malformed one.</summary>
    /// <param name="text">The line without its end, valid UTF-8 and not empty.</param>
    /// <param name="line">Its number.</param>
    /// <param name="output">Where it goes.</param>
    protected abstract void Convert(ReadOnlySpan<byte> text, long line, RecordBatchBuilder output);

    private static byte[] SourceFileOf(string name)
    {
        using var text = new RecordBatchBuilder(256);
        text.Write(",\"s3_source_file\":"u8);
        JsonText.WriteString(System.Text.Encoding.UTF8.GetBytes(name), text);
        text.Write("}"u8);
        return text.Current.ToArray();
    }
}
