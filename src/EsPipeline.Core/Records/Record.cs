using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Records;

/// <summary>What is to be done with a record's key in the sink.</summary>
public enum RecordOperation : byte
{
    /// <summary>Insert the document, or replace the one that has this key.</summary>
    Upsert,

    /// <summary>Remove the document that has this key; one that is not there is no error.</summary>
    Delete,
}

/// <summary>One document: its key and its JSON, both UTF-8, both borrowed from the <see cref="RecordBatch"/> that holds it.</summary>
/// <param name="Key">The key, 1 byte or more of valid UTF-8, not JSON-escaped.</param>
/// <param name="Json">One valid JSON object; empty for a <see cref="RecordOperation.Delete"/>.</param>
/// <param name="Operation">Upsert or delete.</param>
/// <param name="Version">
/// A number that only grows for one key over the life of the source, 0 where the source has none. A sink may refuse to overwrite
/// a greater version with a smaller one.
/// </param>
/// <param name="Place">Where the source found it, in the unit of <see cref="RecordBatch.PlaceUnit"/> (a line, a sequence number).</param>
public readonly record struct Record(
    ReadOnlyMemory<byte> Key,
    ReadOnlyMemory<byte> Json,
    RecordOperation Operation,
    long Version,
    long Place)
{
    /// <summary>Bytes of key and document together.</summary>
    public int Bytes => Key.Length + Json.Length;
}

/// <summary>Something that the source found where a record should be, and could not read as one.</summary>
/// <param name="Place">Where, in the unit of <see cref="RecordBatch.PlaceUnit"/>.</param>
/// <param name="Key">Its key, where that much could be read.</param>
/// <param name="Raw">The bytes as found, cut to 64 KiB; they need not be valid UTF-8.</param>
/// <param name="Error">The kind of error, such as <c>csv.field_count</c>.</param>
/// <param name="Reason">One sentence that says what is wrong with it.</param>
public sealed record MalformedRecord(long Place, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Raw, ErrorCode Error, string Reason)
{
    /// <summary>The most bytes of <see cref="Raw"/> that are kept.</summary>
    public const int MaxRawBytes = 64 * 1024;
}
