using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using EsPipeline.Connectors.Files;

namespace EsPipeline.Connectors.Firestore;

/// <content>The values of Firestore's own JSON that hold no others.</content>
internal ref partial struct DocumentWalk
{
    // Protobuf's JSON has 64 bits as text; a number is taken, too.
    private bool TypedInteger()
    {
        _reader.Read();
        var isText = _reader.TokenType is JsonTokenType.String or JsonTokenType.Number;
        if (!isText || !Utf8Parser.TryParse(_reader.ValueSpan, out long number, out var used) || used != _reader.ValueSpan.Length)
        {
            return Malformed("has an integerValue that is no whole number of 64 bits.");
        }

        _size += 8;
        _output.Write("{\"integerValue\":\""u8);
        Utf8Formatter.TryFormat(number, _output.GetSpan(20), out var length);
        _output.Advance(length);
        _output.Write("\"}"u8);
        return true;
    }

    private bool TypedDouble()
    {
        _reader.Read();
        var digits = _reader.ValueSpan;
        _size += 8;
        if (_reader.TokenType == JsonTokenType.String && (digits.SequenceEqual("NaN"u8) || digits.SequenceEqual("Infinity"u8) || digits.SequenceEqual("-Infinity"u8)))
        {
            _output.Write("{\"doubleValue\":\""u8);
            _output.Write(digits);
            _output.Write("\"}"u8);
            return true;
        }

        if (_reader.TokenType != JsonTokenType.Number || !DoubleText.Holds(digits, exactly: false)) return Malformed("has a doubleValue that no double of 64 bits holds.");
        if (DoubleText.Rounds(digits)) _counts.Add(Conversion.NumberRounded);
        _output.Write("{\"doubleValue\":"u8);
        _output.Write(digits);

        // A whole number is compared by all its digits, one with a point as a double.
        if (digits.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0) _output.Write(".0"u8);
        _output.Write("}"u8);
        return true;
    }

    private bool TypedBoolean()
    {
        _reader.Read();
        if (_reader.TokenType is not (JsonTokenType.True or JsonTokenType.False)) return Malformed("has a booleanValue that is neither true nor false.");
        _size++;
        _output.Write(_reader.TokenType == JsonTokenType.True ? "{\"booleanValue\":true}"u8 : "{\"booleanValue\":false}"u8);
        return true;
    }

    private bool TypedNull()
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.Null && !(_reader.TokenType == JsonTokenType.String && _reader.ValueTextEquals("NULL_VALUE"u8)))
        {
            return Malformed("has a nullValue that is not null.");
        }

        _size++;
        _output.Write("{\"nullValue\":null}"u8);
        return true;
    }

    // RFC 3339 with all its parts, of which IsoTime leaves some out.
    private bool TypedTimestamp()
    {
        var text = Unescaped();
        var isWhole = text.Length >= "yyyy-MM-ddTHH:mm:ssZ".Length && text[10] == 'T' && text[16] == ':' && text[19] is (byte)'.' or (byte)'Z' or (byte)'+' or (byte)'-'
            && (text[^1] == 'Z' || (text[^6] is (byte)'+' or (byte)'-' && text[^3] == ':'));
        if (!isWhole || IsoTime.Parse(text) is not { } time)
        {
            return Malformed("has a timestampValue that is no time of the years 1 to 9999 such as 2024-01-01T00:00:00Z.");
        }

        Timestamp(time);
        return true;
    }

    private bool TypedBytes()
    {
        var base64 = Unescaped();
        if (base64.IndexOfAny(" \t\r\n"u8) >= 0 || !Base64.IsValid(base64, out var length)) return Malformed("has a bytesValue that is not base64.");
        if (length > FirestoreLimits.MaxValueBytes) return FitsValue(length);
        _size += length;
        _output.Write("{\"bytesValue\":\""u8);
        _output.Write(base64);
        _output.Write("\"}"u8);
        return true;
    }

    // A coordinate that is 0 may be left out.
    private bool TypedPoint()
    {
        var (latitude, longitude) = (default(double?), default(double?));
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var isLatitude = _reader.ValueTextEquals("latitude"u8);
            var known = isLatitude ? latitude is null : _reader.ValueTextEquals("longitude"u8) && longitude is null;
            if (!known || !_reader.Read() || _reader.TokenType != JsonTokenType.Number || !_reader.TryGetDouble(out var degrees) || !(Math.Abs(degrees) <= (isLatitude ? 90 : 180)))
            {
                return Malformed("has a geoPointValue that is no latitude of -90 to 90 with a longitude of -180 to 180.");
            }

            if (isLatitude) latitude = degrees;
            else longitude = degrees;
        }

        _size += 16;
        _output.Write("{\"geoPointValue\":{\"latitude\":"u8);
        DoubleText.Write(latitude ?? 0, _output);
        _output.Write(",\"longitude\":"u8);
        DoubleText.Write(longitude ?? 0, _output);
        _output.Write("}}"u8);
        return true;
    }

    // projects/P/databases/D/documents/collection/document, any number of times the last two.
    private bool TypedReference(ReadOnlySpan<byte> documents)
    {
        var name = Unescaped();
        var parts = Encoding.UTF8.GetString(name).Split('/');
        if (parts is not ["projects", _, "databases", _, "documents", _, _, ..] || parts.Length % 2 == 0 || parts.Contains(""))
        {
            return Malformed("has a referenceValue that is no document's name, projects/P/databases/D/documents/collection/document.");
        }

        // By the formula a name has 16 bytes, and each part below the database one more than its text.
        const int PartsAbove = 5;
        _size += FirestoreLimits.NameOverhead + parts.Skip(PartsAbove).Sum(p => Encoding.UTF8.GetByteCount(p) + 1);
        if (!name.StartsWith(documents)) ReferencesElsewhere++;
        _output.Write("{\"referenceValue\":\""u8);
        JsonText.WriteEscaped(name, _output);
        _output.Write("\"}"u8);
        return true;
    }
}
