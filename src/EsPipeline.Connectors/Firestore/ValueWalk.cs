using System.Text.Json;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Firestore;

/// <summary>One pass over Firestore's JSON of a document's fields that writes them as plain JSON.</summary>
internal ref struct ValueWalk
{
    private readonly ReadOnlySpan<byte> _json;
    private readonly ReadOnlySpan<byte> _documents;
    private readonly RecordBatchBuilder _output;
    private readonly ConversionCounts _counts;
    private Utf8JsonReader _reader;

    /// <param name="json">The fields.</param>
    /// <param name="documents">What the names of this database's documents begin with; left out of references.</param>
    /// <param name="output">Where the document goes.</param>
    /// <param name="counts">Where values are counted that plain JSON has no kind for.</param>
    public ValueWalk(ReadOnlySpan<byte> json, ReadOnlySpan<byte> documents, RecordBatchBuilder output, ConversionCounts counts)
    {
        _json = json;
        _documents = documents;
        (_output, _counts) = (output, counts);
        _reader = new Utf8JsonReader(json, QueryAnswer.ReaderOptions);
    }

    /// <summary>The kind of value that stopped it.</summary>
    public string? UnknownKind { get; private set; }

    /// <summary>Writes the document; false where a value is of a kind that is not known.</summary>
    /// <exception cref="JsonException">It is not Firestore's JSON.</exception>
    public bool TryWriteFields()
    {
        Expect(JsonTokenType.StartObject);
        return Fields();
    }

    private void Expect(JsonTokenType token)
    {
        if (!_reader.Read() || _reader.TokenType != token) throw new JsonException($"a {token} was expected");
    }

    private readonly ReadOnlySpan<byte> Token() => _json[(int)_reader.TokenStartIndex..(int)_reader.BytesConsumed];

    // From behind the opening brace to behind the closing one.
    private bool Fields()
    {
        _output.Write("{"u8);
        for (var first = true; _reader.Read() && _reader.TokenType == JsonTokenType.PropertyName; first = false)
        {
            if (!first) _output.Write(","u8);
            Name();
            _output.Write(":"u8);
            if (!Value()) return false;
        }

        _output.Write("}"u8);
        return true;
    }

    private readonly void Name()
    {
        var raw = _reader.ValueSpan;
        if (!_reader.ValueIsEscaped && !raw.Contains((byte)'%'))
        {
            _output.Write("\""u8);
            _output.Write(raw);
            _output.Write("\""u8);
            return;
        }

        var name = new byte[raw.Length];
        var length = JsonStrings.Unescape(raw, name, out _);
        var decoded = new byte[length];
        JsonText.WriteString(decoded.AsSpan(0, FirestoreNames.Decode(name.AsSpan(0, length), NameKind.Field, decoded)), _output);
    }

    private bool Value()
    {
        Expect(JsonTokenType.StartObject);
        Expect(JsonTokenType.PropertyName);
        var written = Kind();
        if (written) Expect(JsonTokenType.EndObject);
        return written;
    }

    private bool Kind()
    {
        if (_reader.ValueTextEquals("stringValue"u8))
        {
            Text();
        }
        else if (_reader.ValueTextEquals("timestampValue"u8))
        {
            _counts.Add(Conversion.TimestampAsText);
            Text();
        }
        else if (_reader.ValueTextEquals("bytesValue"u8))
        {
            _counts.Add(Conversion.BytesAsText);
            Text();
        }
        else if (_reader.ValueTextEquals("integerValue"u8))
        {
            // The service writes 64 bits as text, as not every reader of JSON holds them as a number.
            _reader.Read();
            _output.Write(_reader.ValueSpan);
        }
        else if (_reader.ValueTextEquals("doubleValue"u8))
        {
            // Without a point it would read as an integer; NaN and the infinities are text already.
            _reader.Read();
            _output.Write(Token());
            if (_reader.TokenType == JsonTokenType.String) _counts.Add(Conversion.NotFiniteAsText);
            else if (_reader.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0) _output.Write(".0"u8);
        }
        else if (_reader.ValueTextEquals("booleanValue"u8) || _reader.ValueTextEquals("nullValue"u8))
        {
            _reader.Read();
            _output.Write(_reader.TokenType == JsonTokenType.String ? "null"u8 : Token());
        }
        else if (_reader.ValueTextEquals("mapValue"u8))
        {
            return Map();
        }
        else if (_reader.ValueTextEquals("arrayValue"u8))
        {
            return Array();
        }
        else if (_reader.ValueTextEquals("geoPointValue"u8))
        {
            Point();
        }
        else if (_reader.ValueTextEquals("referenceValue"u8))
        {
            Reference();
        }
        else
        {
            UnknownKind = _reader.GetString();
            return false;
        }

        return true;
    }

    private void Text()
    {
        Expect(JsonTokenType.String);
        _output.Write(Token());
    }

    private bool Map()
    {
        Expect(JsonTokenType.StartObject);
        if (!_reader.Read() || _reader.TokenType == JsonTokenType.EndObject)
        {
            _output.Write("{}"u8);
            return true;
        }

        // The only property: fields.
        Expect(JsonTokenType.StartObject);
        if (!Vector(out var known) && !Fields()) return false;
        if (!known) return false;
        Expect(JsonTokenType.EndObject);
        return true;
    }

    // A vector is stored as a map of a type of its own: {"__type__":"__vector__","value":[…]}.
    private bool Vector(out bool known)
    {
        known = true;
        var probe = _reader;
        var (isVector, hasValues) = (false, false);
        var start = _reader;
        while (probe.Read() && probe.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isValue) = (probe.ValueTextEquals("__type__"u8), probe.ValueTextEquals("value"u8));
            if (!isType && !isValue) return false;
            if (isValue)
            {
                start = probe;
                hasValues = true;
                probe.Read();
                probe.Skip();
                continue;
            }

            if (!probe.Read() || !probe.Read() || !probe.ValueTextEquals("stringValue"u8) || !probe.Read() || !probe.ValueTextEquals("__vector__"u8)) return false;
            isVector = true;
            probe.Read();
        }

        if (!isVector || !hasValues) return false;
        _reader = start;
        _counts.Add(Conversion.VectorAsArray);
        known = Value();
        _reader = probe;
        return true;
    }

    private bool Array()
    {
        Expect(JsonTokenType.StartObject);
        _output.Write("["u8);
        if (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            Expect(JsonTokenType.StartArray);
            for (var first = true; ; first = false)
            {
                // Looked at with a copy: a value reads its own opening brace.
                var next = _reader;
                if (!next.Read() || next.TokenType == JsonTokenType.EndArray)
                {
                    _reader = next;
                    break;
                }

                if (!first) _output.Write(","u8);
                if (!Value()) return false;
            }

            Expect(JsonTokenType.EndObject);
        }

        _output.Write("]"u8);
        return true;
    }

    // A coordinate that is 0 is left out by the service.
    private void Point()
    {
        _counts.Add(Conversion.PointAsObject);
        ReadOnlySpan<byte> latitude = "0"u8, longitude = "0"u8;
        Expect(JsonTokenType.StartObject);
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var isLatitude = _reader.ValueTextEquals("latitude"u8);
            _reader.Read();
            if (isLatitude) latitude = _reader.ValueSpan;
            else longitude = _reader.ValueSpan;
        }

        _output.Write("{\"lat\":"u8);
        _output.Write(latitude);
        _output.Write(",\"lon\":"u8);
        _output.Write(longitude);
        _output.Write("}"u8);
    }

    private void Reference()
    {
        _counts.Add(Conversion.ReferenceAsText);
        Expect(JsonTokenType.String);
        var name = new byte[_reader.ValueSpan.Length];
        var text = name.AsSpan(0, JsonStrings.Unescape(_reader.ValueSpan, name, out _));
        JsonText.WriteString(text.StartsWith(_documents) ? text[_documents.Length..] : text, _output);
    }
}
