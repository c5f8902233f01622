using System.Buffers.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// A point on the Earth, in each of the ways in which Elasticsearch takes one: <c>{"lat":…,"lon":…}</c>, <c>[lon,lat]</c>, <c>"lat,lon"</c>,
/// <c>"POINT (lon lat)"</c>, and a GeoJSON point. A geohash stays text: it names an area.
/// </summary>
/// <param name="Latitude">Degrees, -90 to 90.</param>
/// <param name="Longitude">Degrees, -180 to 180.</param>
internal readonly record struct GeoPoint(double Latitude, double Longitude)
{
    /// <summary>Reads the value that the reader is on, and leaves the reader at its end.</summary>
    /// <returns>False, with the reader anywhere, for anything else: other members, a third coordinate, out of bounds.</returns>
    public static bool TryRead(ref Utf8JsonReader reader, out GeoPoint point)
    {
        point = default;
        var read = reader.TokenType switch
        {
            JsonTokenType.StartArray => TryReadPair(ref reader, out point),
            JsonTokenType.StartObject => TryReadObject(ref reader, out point),
            JsonTokenType.String => !reader.ValueIsEscaped && TryParse(reader.ValueSpan, out point),
            _ => false,
        };
        return read && Math.Abs(point.Latitude) <= 90 && Math.Abs(point.Longitude) <= 180;
    }

    private static bool TryReadPair(ref Utf8JsonReader reader, out GeoPoint point)
    {
        point = default;
        if (!reader.Read() || !TryReadNumber(ref reader, out var longitude)) return false;
        if (!reader.Read() || !TryReadNumber(ref reader, out var latitude)) return false;
        point = new GeoPoint(latitude, longitude);
        return reader.Read() && reader.TokenType == JsonTokenType.EndArray;
    }

    private static bool TryReadObject(ref Utf8JsonReader reader, out GeoPoint point)
    {
        var (latitude, longitude, isPoint) = (default(double?), default(double?), default(bool?));
        point = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Something that is there twice makes it no point: which of the two is meant, nobody knows.
            if (latitude is null && DocumentJson.TextIs(ref reader, "lat"u8))
            {
                if (!reader.Read() || !TryReadNumber(ref reader, out var degrees)) return false;
                latitude = degrees;
            }
            else if (longitude is null && DocumentJson.TextIs(ref reader, "lon"u8))
            {
                if (!reader.Read() || !TryReadNumber(ref reader, out var degrees)) return false;
                longitude = degrees;
            }
            else if (isPoint is null && DocumentJson.TextIs(ref reader, "type"u8))
            {
                if (!reader.Read() || reader.TokenType != JsonTokenType.String) return false;
                isPoint = DocumentJson.TextIs(ref reader, "Point"u8) || DocumentJson.TextIs(ref reader, "point"u8);
            }
            else if (latitude is null && longitude is null && DocumentJson.TextIs(ref reader, "coordinates"u8))
            {
                if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray || !TryReadPair(ref reader, out var pair)) return false;
                (latitude, longitude) = (pair.Latitude, pair.Longitude);
            }
            else
            {
                return false;
            }
        }

        if (latitude is null || longitude is null) return false;
        point = new GeoPoint(latitude.Value, longitude.Value);
        return isPoint != false;
    }

    private static bool TryReadNumber(ref Utf8JsonReader reader, out double number)
    {
        number = 0;
        return reader.TokenType is JsonTokenType.Number or JsonTokenType.String && TryParse(reader.ValueSpan, out number);
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out GeoPoint point)
    {
        point = default;
        const int Word = 5;
        if (text.Length > Word && System.Text.Ascii.EqualsIgnoreCase(text[..Word], "POINT"u8))
        {
            text = text[Word..].Trim((byte)' ');
            if (text.Length < 2 || text[0] != '(' || text[^1] != ')') return false;
            text = text[1..^1].Trim((byte)' ');
            var space = text.IndexOf((byte)' ');
            if (space < 0 || !TryParse(text[..space], out double longitude) || !TryParse(text[space..].Trim((byte)' '), out double latitude)) return false;
            point = new GeoPoint(latitude, longitude);
            return true;
        }

        var comma = text.IndexOf((byte)',');
        if (comma < 0 || !TryParse(text[..comma].Trim((byte)' '), out double first) || !TryParse(text[(comma + 1)..].Trim((byte)' '), out double second)) return false;
        point = new GeoPoint(first, second);
        return true;
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out double number) =>
        Utf8Parser.TryParse(text, out number, out var used) && used == text.Length && double.IsFinite(number);
}
