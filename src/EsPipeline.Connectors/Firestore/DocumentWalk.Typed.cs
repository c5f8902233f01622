using System.Text;
using System.Text.Json;
using EsPipeline.Connectors.Files;

namespace EsPipeline.Connectors.Firestore;

/// <content>
/// Documents that are Firestore's own JSON already: checked as strictly as Firestore does, measured alike, and written in one way of the several
/// that mean the same, so that two documents can be compared.
/// </content>
internal ref partial struct DocumentWalk
{
    /// <summary>Writes the document's fields, which are in Firestore's own JSON.</summary>
    /// <param name="documents">What the names of this database's documents begin with.</param>
    /// <returns>False where Firestore would refuse them; what was written is then of no use.</returns>
    /// <exception cref="JsonException">The document is not JSON.</exception>
    public bool TryWriteTyped(ReadOnlySpan<byte> documents)
    {
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
        {
            return Refuse(FirestoreErrors.NotAnObject, "The document is not a JSON object.");
        }

        if (TypedFields(documents, 1, 0) && FitsDocument()) return true;
        if (_place is not null && Refusal!.Error == FirestoreErrors.NotTyped) Refusal = Refusal with { Reason = $"Its field {_place} {Refusal.Reason}" };
        return false;
    }

    private bool Malformed(string what) => Refuse(FirestoreErrors.NotTyped, what);

    // Depth and path as in Fields.
    private bool TypedFields(ReadOnlySpan<byte> documents, int depth, int path)
    {
        var before = _names.Count;
        _output.Write("{"u8);
        for (var first = true; _reader.Read() && _reader.TokenType == JsonTokenType.PropertyName; first = false)
        {
            if (!first) _output.Write(","u8);
            var start = _output.Length;
            if (!TypedName(path, depth, out var bytes)) return false;
            var end = _output.Length;
            _names.Add((start, end - start));
            _reader.Read();
            if (TypedValue(documents, depth, path + bytes + 1)) continue;
            var name = Encoding.UTF8.GetString(_output.Written.Span[start..end]["\""u8.Length..^"\":"u8.Length]);
            _place = _place is null ? name : name + "." + _place;
            return false;
        }

        _output.Write("}"u8);
        return NamesDiffer(before);
    }

    // Names are as Firestore has them. Within a map some reserved ones have a meaning, as in a vector: which, the server knows.
    private bool TypedName(int path, int depth, out int bytes)
    {
        var raw = _reader.ValueSpan;
        var text = new byte[_reader.ValueIsEscaped ? raw.Length : 0];
        var name = raw;
        if (_reader.ValueIsEscaped)
        {
            name = text.AsSpan(0, JsonStrings.Unescape(raw, text, out var repaired));
            if (repaired) _counts.Add(Conversion.TextRepaired);
        }

        bytes = name.Length;
        if (name.IsEmpty) return Malformed("It has a field without a name, which Firestore does not take.");
        if (depth == 1 && FirestoreNames.IsReserved(name)) return Malformed($"It has a field {Encoding.UTF8.GetString(name)}; Firestore keeps names of this form for itself.");
        if (!NameFits(path + bytes)) return false;
        _size += bytes + 1;
        _output.Write("\""u8);
        JsonText.WriteEscaped(name, _output);
        _output.Write("\":"u8);
        return true;
    }

    // From the first token of a value to its last.
    private bool TypedValue(ReadOnlySpan<byte> documents, int depth, int path)
    {
        if (_reader.TokenType != JsonTokenType.StartObject || !_reader.Read() || _reader.TokenType != JsonTokenType.PropertyName)
        {
            return Malformed("is no value of Firestore's own JSON, such as {\"stringValue\":\"text\"}.");
        }

        if (!TypedKind(documents, depth, path)) return false;
        return (_reader.Read() && _reader.TokenType == JsonTokenType.EndObject) || Malformed("has two kinds at once.");
    }

    private bool TypedKind(ReadOnlySpan<byte> documents, int depth, int path)
    {
        if (_reader.ValueTextEquals("stringValue"u8)) return TypedToken(JsonTokenType.String) && Text();
        if (_reader.ValueTextEquals("mapValue"u8)) return TypedMap(documents, depth, path);
        if (_reader.ValueTextEquals("arrayValue"u8)) return TypedArray(documents, depth, path);
        if (_reader.ValueTextEquals("integerValue"u8)) return TypedInteger();
        if (_reader.ValueTextEquals("doubleValue"u8)) return TypedDouble();
        if (_reader.ValueTextEquals("booleanValue"u8)) return TypedBoolean();
        if (_reader.ValueTextEquals("nullValue"u8)) return TypedNull();
        if (_reader.ValueTextEquals("timestampValue"u8)) return TypedToken(JsonTokenType.String) && TypedTimestamp();
        if (_reader.ValueTextEquals("bytesValue"u8)) return TypedToken(JsonTokenType.String) && TypedBytes();
        if (_reader.ValueTextEquals("geoPointValue"u8)) return TypedToken(JsonTokenType.StartObject) && TypedPoint();
        if (_reader.ValueTextEquals("referenceValue"u8)) return TypedToken(JsonTokenType.String) && TypedReference(documents);
        return Malformed($"has a value of the kind '{Core.Records.DocumentJson.TextOf(ref _reader)}', which espipe does not know.");
    }

    private bool TypedToken(JsonTokenType token) =>
        (_reader.Read() && _reader.TokenType == token) || Malformed($"holds a {_reader.TokenType} where its kind asks for a {token}.");

    private bool TypedMap(ReadOnlySpan<byte> documents, int depth, int path)
    {
        if (depth > FirestoreLimits.MaxDepth) return TooDeep();
        var before = _size;
        _output.Write("{\"mapValue\":{\"fields\":"u8);
        if (!TypedWrapper("fields"u8, JsonTokenType.StartObject, out var isEmpty)) return false;
        if (isEmpty) _output.Write("{}"u8);
        else if (!TypedFields(documents, depth + 1, path) || !FitsDocument() || !TypedWrapperEnds()) return false;
        _output.Write("}}"u8);
        if (_size == before) _size++;
        return true;
    }

    private bool TypedArray(ReadOnlySpan<byte> documents, int depth, int path)
    {
        if (depth > FirestoreLimits.MaxDepth) return TooDeep();
        var before = _size;
        _output.Write("{\"arrayValue\":{\"values\":["u8);
        if (!TypedWrapper("values"u8, JsonTokenType.StartArray, out var isEmpty)) return false;
        for (var first = true; !isEmpty && _reader.Read() && _reader.TokenType != JsonTokenType.EndArray; first = false)
        {
            if (!first) _output.Write(","u8);
            var start = _output.Length;
            if (!TypedValue(documents, depth + 1, path) || !FitsDocument()) return false;
            if (_output.Written.Span[start..].StartsWith("{\"arrayValue\""u8)) return Malformed("has an array in an array, which Firestore does not take.");
        }

        if (!isEmpty && !TypedWrapperEnds()) return false;
        _output.Write("]}}"u8);
        if (_size == before) _size++;
        return true;
    }

    // An empty map or array comes with or without its only member.
    private bool TypedWrapper(ReadOnlySpan<byte> member, JsonTokenType token, out bool isEmpty)
    {
        isEmpty = false;
        if (!TypedToken(JsonTokenType.StartObject)) return false;
        isEmpty = _reader.Read() && _reader.TokenType == JsonTokenType.EndObject;
        if (isEmpty) return true;
        return _reader.ValueTextEquals(member) ? TypedToken(token) : Malformed($"has a map or an array with '{Core.Records.DocumentJson.TextOf(ref _reader)}' in place of '{Encoding.UTF8.GetString(member)}'.");
    }

    private bool TypedWrapperEnds() => (_reader.Read() && _reader.TokenType == JsonTokenType.EndObject) || Malformed("has a map or an array with more than its values.");
}
