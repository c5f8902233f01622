using System.Text;
using System.Text.Json;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Firestore;

/// <summary>Why Firestore will not take a record; known before it is sent.</summary>
/// <param name="Error">The kind of error; a permanent one.</param>
/// <param name="Reason">One sentence with the figures.</param>
internal sealed record Refusal(ErrorCode Error, string Reason);

/// <summary>
/// Turns records into the writes of a <c>documents:batchWrite</c>, and refuses what Firestore would refuse. It needs no connection, and is safe for
/// many threads.
/// </summary>
/// <param name="collection">Where the documents go.</param>
/// <param name="schema">What is known of the source's fields.</param>
/// <param name="typed">True for documents in <see cref="FirestoreValues.Typed"/> form.</param>
internal sealed class DocumentEncoder(FirestoreCollection collection, SourceSchema schema, bool typed)
{
    private readonly FieldTypes? _types = FieldTypes.Of(schema);
    private readonly byte[] _documents = Encoding.UTF8.GetBytes(collection.Documents + "/");

    /// <summary>Appends the write of one record; appends nothing where it is refused.</summary>
    /// <param name="record">The record.</param>
    /// <param name="output">Where the write goes.</param>
    /// <param name="counts">Where conversions are counted.</param>
    /// <returns>Null where the write was appended.</returns>
    public Refusal? TryAppend(in Record record, PooledBuffer output, ConversionCounts counts)
    {
        var start = output.Length;
        var refusal = Append(record, output, counts);
        if (refusal is not null) output.CutTo(start);
        return refusal;
    }

    private Refusal? Append(in Record record, PooledBuffer output, ConversionCounts counts)
    {
        var delete = record.Operation == RecordOperation.Delete;
        output.Write(delete ? "{\"delete\":\""u8 : "{\"update\":{\"name\":\""u8);
        output.Write(collection.NamePrefixJson);
        if (AppendId(record.Key.Span, output, out var idBytes) is { } refusal) return refusal;
        if (delete)
        {
            output.Write("\"}"u8);
            return null;
        }

        output.Write("\",\"fields\":"u8);
        var walk = new DocumentWalk(record.Json.Span, output, counts, collection.NameBytes + idBytes + 1 + FirestoreLimits.DocumentOverhead);
        try
        {
            if (!(typed ? walk.TryWriteTyped(_documents) : walk.TryWrite(_types))) return walk.Refusal;
            counts.ReferencesElsewhere += walk.ReferencesElsewhere;
        }
        catch (JsonException e)
        {
            return new Refusal(FirestoreErrors.NotAnObject, $"It is not JSON: {e.Message}");
        }

        output.Write("}}"u8);
        return null;
    }

    private Refusal? AppendId(ReadOnlySpan<byte> key, PooledBuffer output, out int bytes)
    {
        bytes = key.Length;
        if (key.Length > FirestoreLimits.MaxNameBytes) return TooLong(key.Length);
        if (typed && !FirestoreNames.IsId(key))
        {
            return new Refusal(FirestoreErrors.NotTyped, "Its key is no id of a document: that is not empty, has no slash, and is neither . nor .. nor of the form __x__.");
        }

        if (typed || !FirestoreNames.NeedsEncoding(key, NameKind.Id))
        {
            JsonText.WriteEscaped(key, output);
            return null;
        }

        Span<byte> encoded = stackalloc byte[FirestoreNames.MaxEncodedLength(FirestoreLimits.MaxNameBytes)];
        bytes = FirestoreNames.Encode(key, NameKind.Id, encoded);
        if (bytes > FirestoreLimits.MaxNameBytes) return TooLong(bytes);
        JsonText.WriteEscaped(encoded[..bytes], output);
        return null;

        static Refusal TooLong(int bytes) =>
            new(FirestoreErrors.IdTooLong, $"Its id has {bytes} bytes; a document's id has at most {FirestoreLimits.MaxNameBytes}.");
    }
}
