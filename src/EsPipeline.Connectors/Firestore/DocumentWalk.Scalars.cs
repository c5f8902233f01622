using System.Buffers.Text;
using EsPipeline.Connectors.Files;

namespace EsPipeline.Connectors.Firestore;

/// <content>The values that hold no others: text, numbers, and those whose type the mapping tells.</content>
internal ref partial struct DocumentWalk
{
    private bool Text()
    {
        var raw = _reader.ValueSpan;
        if (!_reader.ValueIsEscaped)
        {
            if (!FitsValue(raw.Length)) return false;
            _output.Write("{\"stringValue\":\""u8);
            _output.Write(raw);
            _output.Write("\"}"u8);
            return true;
        }

        using var text = new PooledBuffer(raw.Length);
        text.Advance(JsonStrings.Unescape(raw, text.GetSpan(raw.Length), out var repaired));
        if (!FitsValue(text.Length)) return false;
        _output.Write("{\"stringValue\":\""u8);
        if (repaired) JsonText.WriteEscaped(text.Written.Span, _output);
        else _output.Write(raw);
        _output.Write("\"}"u8);
        if (repaired) _counts.Add(Conversion.TextRepaired);
        return true;
    }

    private bool FitsValue(int bytes)
    {
        _size += bytes + 1;
        return bytes <= FirestoreLimits.MaxValueBytes || Refuse(
            FirestoreErrors.ValueTooLarge, $"It has a value of {bytes} bytes; a value has at most {FirestoreLimits.MaxValueBytes}.");
    }

    private void Number(FieldTypes? type)
    {
        var digits = _reader.ValueSpan;
        var whole = digits.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0;
        if (whole && Utf8Parser.TryParse(digits, out long _, out var used) && used == digits.Length)
        {
            _size += 8;
            _output.Write("{\"integerValue\":\""u8);
            _output.Write(digits);
            _output.Write("\"}"u8);
        }
        else if (!whole && DoubleText.Holds(digits, exactly: type?.Form == FieldForm.Decimal))
        {
            _size += 8;
            if (DoubleText.Rounds(digits)) _counts.Add(Conversion.NumberRounded);
            _output.Write("{\"doubleValue\":"u8);
            _output.Write(digits);
            _output.Write("}"u8);
        }
        else
        {
            _size += digits.Length + 1;
            _counts.Add(Conversion.NumberAsText);
            _output.Write("{\"stringValue\":\""u8);
            _output.Write(digits);
            _output.Write("\"}"u8);
        }
    }

    // A shape's coordinates are arrays in arrays, which mean something: its JSON is kept whole, as text.
    private bool Shape()
    {
        var start = (int)_reader.TokenStartIndex;
        _reader.Skip();
        var shape = _json[start..(int)_reader.BytesConsumed];
        if (!FitsValue(shape.Length)) return false;
        _counts.Add(Conversion.ShapeAsText);
        _output.Write("{\"stringValue\":"u8);
        _output.Write("\""u8);
        JsonText.WriteEscaped(shape, _output);
        _output.Write("\"}"u8);
        return true;
    }

    // Writes a value as the type that its field has; false where it does not read as one and is to be written as it is.
    private bool Typed(FieldTypes type)
    {
        switch (type.Form)
        {
            case FieldForm.Timestamp when type.Dates!.Parse(Unescaped()) is { } time:
                Timestamp(time);
                return true;
            case FieldForm.Timestamp:
                _counts.Add(Conversion.TimeKept);
                return false;
            case FieldForm.Bytes:
                return Bytes();
            case FieldForm.GeoPoint when Point():
                return true;
            case FieldForm.GeoPoint:
                _counts.Add(Conversion.GeoPointKept);
                return false;
            default:
                return false;
        }
    }

    private void Timestamp(FirestoreTime time)
    {
        _size += 8;
        if (time.IsCut) _counts.Add(Conversion.TimeCut);
        _output.Write("{\"timestampValue\":\""u8);
        _output.Advance(time.Write(_output.GetSpan(FirestoreTime.MaxLength)));
        _output.Write("\"}"u8);
    }

    private bool Point()
    {
        var probe = _reader;
        if (!GeoPoint.TryRead(ref probe, out var point)) return false;
        _reader = probe;
        _size += 16;
        _output.Write("{\"geoPointValue\":{\"latitude\":"u8);
        DoubleText.Write(point.Latitude, _output);
        _output.Write(",\"longitude\":"u8);
        DoubleText.Write(point.Longitude, _output);
        _output.Write("}}"u8);
        return true;
    }

    private bool Bytes()
    {
        var base64 = Unescaped();
        if (base64.IndexOfAny(" \t\r\n"u8) >= 0 || !Base64.IsValid(base64, out var length) || length > FirestoreLimits.MaxValueBytes)
        {
            _counts.Add(Conversion.BinaryKept);
            return false;
        }

        _size += length;
        _output.Write("{\"bytesValue\":\""u8);
        _output.Write(base64);
        _output.Write("\"}"u8);
        return true;
    }

    // The text that the reader is on; some writers escape every slash, as in base64.
    private readonly ReadOnlySpan<byte> Unescaped()
    {
        if (!_reader.ValueIsEscaped) return _reader.ValueSpan;
        var text = new byte[_reader.ValueSpan.Length];
        return text.AsSpan(0, JsonStrings.Unescape(_reader.ValueSpan, text, out _));
    }
}
