using System.Globalization;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Documents of every shape that Firestore can hold as it is, from a seed.</summary>
internal static class RandomJson
{
    private static readonly string[] Texts = ["", "a", "é", "🔑", "\n\t\"\\/", "\u0000\u001f", "2024-01-01T00:00:00Z", "null", " ", "x\u2028y"];

    public static string Object(Random random, int depth)
    {
        var names = Enumerable.Range(0, random.Next(6)).Select(i => $"{i}{Texts[random.Next(Texts.Length)]}");
        return "{" + string.Join(Comma(random), names.Select(n => $"{JsonSerializer.Serialize(n)}{Blank(random)}:{Blank(random)}{Value(random, depth, inArray: false)}")) + "}";
    }

    private static string Value(Random random, int depth, bool inArray) => random.Next(depth > 0 ? (inArray ? 8 : 9) : 7) switch
    {
        0 => "null",
        1 => "true",
        2 => "false",
        3 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
        4 => random.Next(-5, 5).ToString(CultureInfo.InvariantCulture),
        5 => Number(random),
        6 => JsonSerializer.Serialize(new StringBuilder().Insert(0, Texts[random.Next(Texts.Length)], random.Next(4)).ToString()),
        7 => Object(random, depth - 1),
        _ => "[" + string.Join(Comma(random), Enumerable.Range(0, random.Next(5)).Select(_ => Value(random, depth - 1, inArray: true))) + "]",
    };

    private static string Number(Random random)
    {
        var number = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-20, 20));
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text;
    }

    private static string Comma(Random random) => random.Next(3) == 0 ? " , " : ",";

    private static string Blank(Random random) => random.Next(4) == 0 ? " \n" : "";
}
