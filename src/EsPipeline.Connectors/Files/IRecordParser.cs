using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>Turns the bytes of one file into records. Holds no bytes between calls.</summary>
internal interface IRecordParser
{
    /// <summary>
    /// Reads what stands at the file's beginning and is no record (a byte order mark, a header).
    /// </summary>
    /// <param name="padded">Bytes from the file's beginning, then <see cref="ChunkReader.Padding"/> meaningless ones.</param>
    /// <param name="atEnd">True when the file has no more.</param>
    /// <param name="lines">How many lines it used up.</param>
    /// <returns>Bytes used up; -1 where more bytes are needed.</returns>
    int ReadHeader(ReadOnlySpan<byte> padded, bool atEnd, out int lines);

    /// <summary>Adds the next record, or a malformed one; or nothing for an empty line.</summary>
    /// <param name="padded">Bytes from a record's first one, at least 1, then <see cref="ChunkReader.Padding"/> meaningless ones.</param>
    /// <param name="atEnd">True when the file has no more.</param>
    /// <param name="line">The number of the line that the record begins on.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="lines">How many lines the record has.</param>
    /// <returns>Bytes used up, the line's end included; 0 where more bytes are needed.</returns>
    int ReadRecord(ReadOnlySpan<byte> padded, bool atEnd, long line, RecordBatchBuilder output, out int lines);

    /// <summary>
    /// The window is as large as it gets (<see cref="InputFile.MaxRecordBytes"/>) and holds no whole record: adds its first line as malformed,
    /// where it can tell that reading may go on behind that.
    /// </summary>
    /// <returns>The bytes of that line; 0 where the line does not end in the window.</returns>
    int GiveUp(ReadOnlySpan<byte> window, long line, RecordBatchBuilder output) => 0;

    /// <summary>The bytes of the line that a window begins with, its end included; 0 where it goes on behind the window.</summary>
    int LineLength(ReadOnlySpan<byte> window) => window.IndexOf((byte)'\n') + 1;

    /// <summary>The file has been read to its end: what has to be said about it as a whole.</summary>
    void Finish();
}
