using System.Buffers;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Firestore;

/// <summary>What a document of Firestore's becomes.</summary>
internal enum DocumentForm
{
    /// <summary><see cref="FirestoreValues.Json"/>.</summary>
    Json,

    /// <summary><see cref="FirestoreValues.Typed"/>.</summary>
    Typed,

    /// <summary>As <see cref="Typed"/>, of the several ways to write the same always the one that the sink writes, so that documents can be compared.</summary>
    Comparable,
}

/// <summary>
/// Turns a stored document into a record, so that writing it again stores the same: a timestamp becomes text in RFC 3339 form, a point
/// <c>{"lat":…,"lon":…}</c>, bytes base64, a reference its path, a vector a list of numbers, NaN and the infinities their names.
/// </summary>
/// <param name="collection">Where the documents come from.</param>
/// <param name="form">What a record's document is.</param>
internal sealed class DocumentDecoder(FirestoreCollection collection, DocumentForm form)
{
    private static readonly SearchValues<byte> BlanksAndQuotes = SearchValues.Create(" \t\r\n\""u8);

    private readonly byte[] _prefix = Encoding.UTF8.GetBytes(collection.NamePrefix);
    private readonly byte[] _documents = Encoding.UTF8.GetBytes(collection.Documents + "/");

    /// <summary>Reads one result of a query, or of documents asked for by name.</summary>
    /// <param name="result">The result's JSON.</param>
    /// <param name="place">The number that its record gets.</param>
    /// <param name="output">Where a record goes, malformed or not.</param>
    /// <param name="counts">Where values are counted that plain JSON has no kind for.</param>
    /// <returns>The document's id as Firestore has it; null where the result holds no document.</returns>
    /// <exception cref="Core.Errors.PipelineException">The result is an error, or can't be read.</exception>
    public string? Decode(ReadOnlySpan<byte> result, long place, RecordBatchBuilder output, ConversionCounts counts)
    {
        try
        {
            var (id, fields, updateTime) = (default(byte[]), default(Range), default(FirestoreTime?));
            var reader = new Utf8JsonReader(result, QueryAnswer.ReaderOptions);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("error"u8)) ThrowError(result, ref reader);
                else if (reader.ValueTextEquals("document"u8) || reader.ValueTextEquals("found"u8)) (id, fields, updateTime) = ReadDocument(ref reader);
                else Skip(ref reader);
            }

            return id is null ? null : Write(id, result[fields], updateTime, place, result, output, counts);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            output.DropRecord();
            throw FirestoreErrors.BadAnswer.Error($"Firestore's answer to a query can't be read: {e.Message}", inner: e);
        }
    }

    private (byte[] Id, Range Fields, FirestoreTime? UpdateTime) ReadDocument(ref Utf8JsonReader reader)
    {
        var (id, fields, updateTime) = (default(byte[]), default(Range), default(FirestoreTime?));
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("name"u8)) id = ReadId(ref reader);
            else if (reader.ValueTextEquals("fields"u8)) fields = Skip(ref reader);
            else if (reader.ValueTextEquals("updateTime"u8)) updateTime = ReadTime(ref reader);
            else Skip(ref reader);
        }

        return (id ?? throw new JsonException("a document has no name"), fields, updateTime);
    }

    private byte[] ReadId(ref Utf8JsonReader reader)
    {
        reader.Read();
        var name = new byte[reader.ValueSpan.Length];
        var text = name.AsSpan(0, JsonStrings.Unescape(reader.ValueSpan, name, out _));
        return text.StartsWith(_prefix) ? text[_prefix.Length..].ToArray() : throw new JsonException($"a document is not of the collection {collection.Path}");
    }

    private string Write(
        byte[] id, ReadOnlySpan<byte> fields, FirestoreTime? updateTime, long place, ReadOnlySpan<byte> result, RecordBatchBuilder output, ConversionCounts counts)
    {
        WriteKey(id, output);
        if (fields.IsEmpty)
        {
            output.Write("{}"u8);
        }
        else if (form != DocumentForm.Json)
        {
            WriteTyped(fields, output);
        }
        else if (!TryWritePlain(fields, output, counts, out var unknownKind))
        {
            output.DropRecord();
            output.AddMalformed(place, id, result, FirestoreErrors.Unreadable, $"It has a value of the kind '{unknownKind}'.");
            return Encoding.UTF8.GetString(id);
        }

        output.EndRecord(RecordOperation.Upsert, (updateTime?.Ticks ?? 0) / TimeSpan.TicksPerMicrosecond, place);
        return Encoding.UTF8.GetString(id);
    }

    private void WriteKey(byte[] id, RecordBatchBuilder output)
    {
        // A key is never empty, so that the id %00 is another writer's and means itself.
        var key = new byte[id.Length];
        var length = form == DocumentForm.Json ? FirestoreNames.Decode(id, NameKind.Id, key) : 0;
        output.Write(length == 0 ? id : key.AsSpan(0, length));
        output.EndKey();
    }

    private bool TryWritePlain(ReadOnlySpan<byte> fields, RecordBatchBuilder output, ConversionCounts counts, out string? unknownKind)
    {
        var walk = new ValueWalk(fields, _documents, output, counts);
        var written = walk.TryWriteFields();
        unknownKind = walk.UnknownKind;
        return written;
    }

    // What espipe would refuse to write is compared as it is.
    private void WriteTyped(ReadOnlySpan<byte> fields, RecordBatchBuilder output)
    {
        if (form == DocumentForm.Comparable)
        {
            using var normal = new PooledBuffer(fields.Length);
            if (new DocumentWalk(fields, normal, new ConversionCounts(), 0).TryWriteTyped(_documents))
            {
                output.Write(normal.Written.Span);
                return;
            }
        }

        WithoutBlanks(fields, output);
    }

    // The service sends its JSON with line breaks and indents.
    private static void WithoutBlanks(ReadOnlySpan<byte> json, RecordBatchBuilder output)
    {
        while (json.IndexOfAny(BlanksAndQuotes) is var at and >= 0)
        {
            output.Write(json[..at]);
            var next = at + 1;
            if (json[at] == (byte)'"')
            {
                while (json[next] != (byte)'"') next += json[next] == (byte)'\\' ? 2 : 1;
                output.Write(json[at..++next]);
            }

            json = json[next..];
        }

        output.Write(json);
    }

    // What is refused in the middle of an answer was accepted at its beginning, as where the time that is read as of is forgotten meanwhile: the next
    // request meets it at its start, where it is known what was asked.
    private static void ThrowError(ReadOnlySpan<byte> result, ref Utf8JsonReader reader)
    {
        using var words = JsonDocument.Parse(result[Skip(ref reader)].ToArray());
        var status = FirestoreStatus.Of(words.RootElement);
        var error = status.Error == FirestoreErrors.Rejected || status.Error == FirestoreErrors.Refused ? FirestoreErrors.Internal : status.Error;
        throw error.Error($"Firestore broke off a query: {status.Words}", retryAfter: status.RetryAfter);
    }

    private static FirestoreTime? ReadTime(ref Utf8JsonReader reader)
    {
        reader.Read();
        return IsoTime.Parse(reader.ValueSpan);
    }

    // Where the value of the property stands that the reader is on.
    private static Range Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return start..(int)reader.BytesConsumed;
    }
}
