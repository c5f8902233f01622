using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// One pass over a JSON document that writes it as Firestore's JSON (https://cloud.google.com/firestore/docs/reference/rest/v1/Value) and adds up
/// its size by the published formula.
/// </summary>
internal ref partial struct DocumentWalk
{
    private readonly ReadOnlySpan<byte> _json;
    private readonly PooledBuffer _output;
    private readonly ConversionCounts _counts;
    private readonly List<(int Start, int Length)> _names = [];
    private Utf8JsonReader _reader;
    private long _size;

    // The field whose typed value is refused, with those that lead to it.
    private string? _place;

    /// <param name="json">The document.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="counts">Where conversions are counted.</param>
    /// <param name="size">What the document's name and the document itself add to its size.</param>
    public DocumentWalk(ReadOnlySpan<byte> json, PooledBuffer output, ConversionCounts counts, int size)
    {
        _json = json;
        (_output, _counts, _size) = (output, counts, size);
        _reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
    }

    /// <summary>References to documents of other databases that were written, as they are.</summary>
    public int ReferencesElsewhere { get; private set; }

    /// <summary>Why Firestore would not take the document.</summary>
    public Refusal? Refusal { get; private set; }

    /// <summary>Writes the document's fields.</summary>
    /// <param name="types">The fields that need more than their JSON value.</param>
    /// <returns>False where Firestore would refuse them; what was written is then of no use.</returns>
    /// <exception cref="JsonException">The document is not JSON.</exception>
    public bool TryWrite(FieldTypes? types)
    {
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
        {
            return Refuse(FirestoreErrors.NotAnObject, "The document is not a JSON object.");
        }

        return Fields(types, 1, 0) && FitsDocument();
    }

    private bool Refuse(Core.Errors.ErrorCode error, string reason)
    {
        Refusal = new Refusal(error, reason);
        return false;
    }

    private bool FitsDocument() => _size <= FirestoreLimits.MaxDocumentBytes || Refuse(
        FirestoreErrors.DocumentTooLarge,
        $"By Firestore's formula it has more than {FirestoreLimits.MaxDocumentBytes} bytes (its JSON has {_json.Length}).");

    // Depth counts the maps and arrays that a value at this place would be within, itself included; path is the length of the names that
    // lead here, with a dot after each.
    private bool Fields(FieldTypes? types, int depth, int path)
    {
        var before = _names.Count;
        _output.Write("{"u8);
        for (var first = true; _reader.Read() && _reader.TokenType == JsonTokenType.PropertyName; first = false)
        {
            if (!first) _output.Write(","u8);
            var start = _output.Length;
            if (!Name(types, path, out var type, out var bytes)) return false;
            _names.Add((start, _output.Length - start));
            _reader.Read();
            if (!Value(type, depth, path + bytes + 1)) return false;
        }

        _output.Write("}"u8);
        return NamesDiffer(before);
    }

    // Of two values under one name Firestore would keep one and lose the other.
    private bool NamesDiffer(int from)
    {
        var names = CollectionsMarshal.AsSpan(_names)[from..];
        if (names.Length > 1)
        {
            var output = _output;
            names.Sort((a, b) => NameAt(output, a).SequenceCompareTo(NameAt(output, b)));
            for (var i = 1; i < names.Length; i++)
            {
                if (!NameAt(output, names[i]).SequenceEqual(NameAt(output, names[i - 1]))) continue;
                return Refuse(FirestoreErrors.NameTwice, $"It has the field {Encoding.UTF8.GetString(NameAt(output, names[i])[..^1])} twice in one object.");
            }
        }

        _names.RemoveRange(from, names.Length);
        return true;

        static ReadOnlySpan<byte> NameAt(PooledBuffer output, (int Start, int Length) name) => output.Written.Span.Slice(name.Start, name.Length);
    }

    private bool Name(FieldTypes? types, int path, out FieldTypes? type, out int bytes)
    {
        var raw = _reader.ValueSpan;
        bytes = raw.Length;
        if (!_reader.ValueIsEscaped && path + bytes <= FirestoreLimits.MaxNameBytes && !FirestoreNames.NeedsEncoding(raw, NameKind.Field))
        {
            type = types?.Find(raw);
            _size += bytes + 1;
            _output.Write("\""u8);
            _output.Write(raw);
            _output.Write("\":"u8);
            return true;
        }

        return UnusualName(raw, types, path, out type, out bytes);
    }

    private bool UnusualName(ReadOnlySpan<byte> raw, FieldTypes? types, int path, out FieldTypes? type, out int bytes)
    {
        var name = new byte[raw.Length];
        var length = JsonStrings.Unescape(raw, name, out var repaired);
        if (repaired) _counts.Add(Conversion.TextRepaired);
        type = types?.Find(name.AsSpan(0, length));
        var encoded = new byte[FirestoreNames.MaxEncodedLength(length)];
        bytes = FirestoreNames.Encode(name.AsSpan(0, length), NameKind.Field, encoded);
        if (!NameFits(path + bytes)) return false;
        _size += bytes + 1;
        _output.Write("\""u8);
        JsonText.WriteEscaped(encoded.AsSpan(0, bytes), _output);
        _output.Write("\":"u8);
        return true;
    }

    private bool NameFits(int bytes) => bytes <= FirestoreLimits.MaxNameBytes || Refuse(
        FirestoreErrors.FieldNameTooLong,
        $"It has a field whose name, with the names and dots that lead to it, has {bytes} bytes; it has at most {FirestoreLimits.MaxNameBytes}.");

    private bool Value(FieldTypes? type, int depth, int path)
    {
        switch (_reader.TokenType)
        {
            case JsonTokenType.String:
                return (type is { Form: not FieldForm.Json } && Typed(type)) || Text();
            case JsonTokenType.Number:
                if (type?.Form is not (FieldForm.Timestamp or FieldForm.GeoPoint) || !Typed(type)) Number(type);
                return true;
            case JsonTokenType.StartObject:
                return type?.Form switch
                {
                    FieldForm.GeoPoint when Typed(type) => true,
                    FieldForm.Shape => Shape(),
                    _ => Map(type, depth, path),
                };
            case JsonTokenType.StartArray:
                return type?.Form switch
                {
                    FieldForm.GeoPoint when Point() => true,
                    FieldForm.Shape => Shape(),
                    _ => Array(type, depth, path),
                };
            case JsonTokenType.Null:
                _output.Write("{\"nullValue\":null}"u8);
                break;
            default:
                _output.Write(_reader.TokenType == JsonTokenType.True ? "{\"booleanValue\":true}"u8 : "{\"booleanValue\":false}"u8);
                break;
        }

        _size++;
        return true;
    }

    private bool Map(FieldTypes? type, int depth, int path)
    {
        if (depth > FirestoreLimits.MaxDepth) return TooDeep();
        var before = _size;
        _output.Write("{\"mapValue\":{\"fields\":"u8);
        if (!Fields(type, depth + 1, path) || !FitsDocument()) return false;
        _output.Write("}}"u8);
        if (_size == before) _size++;
        return true;
    }

    // Elasticsearch reads [1,[2,3]] as [1,2,3]; Firestore has no arrays in arrays.
    private bool Array(FieldTypes? type, int depth, int path)
    {
        if (depth > FirestoreLimits.MaxDepth) return TooDeep();
        var before = _size;
        var within = 0;
        var first = true;
        _output.Write("{\"arrayValue\":{\"values\":["u8);
        while (_reader.Read())
        {
            if (_reader.TokenType == JsonTokenType.EndArray)
            {
                if (within-- == 0) break;
                continue;
            }

            if (!first) _output.Write(","u8);
            if (_reader.TokenType != JsonTokenType.StartArray)
            {
                if (!Value(type, depth + 1, path) || !FitsDocument()) return false;
                first = false;
            }
            else if (type?.Form == FieldForm.GeoPoint && Point())
            {
                first = false;
            }
            else
            {
                if (!first) _output.CutTo(_output.Length - 1);
                if (within++ == 0) _counts.Add(Conversion.ArrayFlattened);
            }
        }

        _output.Write("]}}"u8);
        if (_size == before) _size++;
        return true;
    }

    private bool TooDeep() =>
        Refuse(FirestoreErrors.TooDeep, $"It has maps and arrays more than {FirestoreLimits.MaxDepth} levels deep.");
}
