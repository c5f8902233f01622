using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace EsPipeline.Conformance;

/// <summary>
/// Compares JSON by what it says: the order of an object's members is free, texts are equal by their characters, numbers by their exact
/// decimal value (<c>1.0</c> is <c>1</c>, <c>9007199254740993</c> is not <c>9007199254740992</c>).
/// </summary>
public static class JsonContent
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 1000 };

    /// <summary>True where both say the same.</summary>
    public static bool Equal(string expected, string actual) => Difference(expected, actual) is null;

    /// <summary>Where they differ first and how, with the place as a path; null where they say the same.</summary>
    public static string? Difference(string expected, string actual)
    {
        using var a = JsonDocument.Parse(expected, Options);
        JsonDocument b;
        try
        {
            b = JsonDocument.Parse(actual, Options);
        }
        catch (JsonException e)
        {
            return $"it is not JSON ({e.Message}): {Document.Short(actual, 200)}";
        }

        using (b) return Difference(a.RootElement, b.RootElement, "$");
    }

    private static string? Difference(JsonElement a, JsonElement b, string path)
    {
        if (a.ValueKind != b.ValueKind) return Say(path, a, b);
        return a.ValueKind switch
        {
            JsonValueKind.Object => ObjectDifference(a, b, path),
            JsonValueKind.Array => ArrayDifference(a, b, path),
            JsonValueKind.Number => Decimal(a.GetRawText()) == Decimal(b.GetRawText()) ? null : Say(path, a, b),
            JsonValueKind.String => string.Equals(a.GetString(), b.GetString(), StringComparison.Ordinal) ? null : Say(path, a, b),
            _ => null,
        };
    }

    private static string? ObjectDifference(JsonElement a, JsonElement b, string path)
    {
        var there = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in b.EnumerateObject())
        {
            if (!there.TryAdd(member.Name, member.Value)) return $"{path}: '{member.Name}' is there twice";
        }

        foreach (var member in a.EnumerateObject())
        {
            if (!there.Remove(member.Name, out var value)) return $"{path}.{member.Name} is missing";
            if (Difference(member.Value, value, $"{path}.{member.Name}") is { } difference) return difference;
        }

        return there.Count == 0 ? null : $"{path}.{there.Keys.First()} is too much";
    }

    private static string? ArrayDifference(JsonElement a, JsonElement b, string path)
    {
        if (a.GetArrayLength() != b.GetArrayLength()) return $"{path} has {b.GetArrayLength()} items instead of {a.GetArrayLength()}";
        foreach (var (i, (x, y)) in a.EnumerateArray().Zip(b.EnumerateArray()).Index())
        {
            if (Difference(x, y, $"{path}[{i}]") is { } difference) return difference;
        }

        return null;
    }

    private static string Say(string path, JsonElement a, JsonElement b) =>
        $"{path} is {Document.Short(b.GetRawText(), 100)} instead of {Document.Short(a.GetRawText(), 100)}";

    // Digits without zeros at the end, and the power of ten that belongs to the last of them.
    private static (BigInteger Digits, int Power) Decimal(string number)
    {
        var exponentAt = number.IndexOfAny(['e', 'E']);
        var power = exponentAt < 0 ? 0 : int.Parse(number.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? number : number[..exponentAt];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
        {
            power -= mantissa.Length - point - 1;
            mantissa = mantissa.Remove(point, 1);
        }

        var trimmed = mantissa.TrimEnd('0');
        power += mantissa.Length - trimmed.Length;
        return trimmed is "" or "-" ? (BigInteger.Zero, 0) : (BigInteger.Parse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), power);
    }
}
