using System.Buffers.Text;
using System.Globalization;

namespace EsPipeline.Connectors.Firestore;

/// <summary>Numbers with a fraction or an exponent, as JSON writes them.</summary>
internal static class DoubleText
{
    // Any decimal number of so many digits survives being a double; a decimal.Parse keeps 28 exactly.
    private const int SafeDigits = 15;
    private const int DecimalDigits = 28;

    /// <summary>True where a double can stand for a number.</summary>
    /// <param name="text">The number.</param>
    /// <param name="exactly">True where every digit counts, as in a decimal column; else it need only be within a double's range, as JSON's readers have it.</param>
    public static bool Holds(ReadOnlySpan<byte> text, bool exactly)
    {
        if (!Utf8Parser.TryParse(text, out double number, out _) || !double.IsFinite(number)) return false;
        if (!exactly) return true;
        var digits = SignificantDigits(text);
        if (digits <= SafeDigits) return true;
        const NumberStyles Style = NumberStyles.Float;
        return digits <= DecimalDigits
            && decimal.TryParse(text, Style, CultureInfo.InvariantCulture, out var exact)
            && decimal.TryParse(number.ToString("R", CultureInfo.InvariantCulture), Style, CultureInfo.InvariantCulture, out var held)
            && exact == held;
    }

    /// <summary>Writes a finite double with the fewest digits that read back as the same.</summary>
    public static void Write(double number, PooledBuffer output)
    {
        number.TryFormat(output.GetSpan(32), out var length, "R", CultureInfo.InvariantCulture);
        output.Advance(length);
    }

    private static int SignificantDigits(ReadOnlySpan<byte> text)
    {
        var exponent = text.IndexOfAny((byte)'e', (byte)'E');
        if (exponent >= 0) text = text[..exponent];
        text = text.TrimStart("-0."u8);
        if (text.Contains((byte)'.')) text = text.TrimEnd((byte)'0').TrimEnd((byte)'.');
        return text.Length - (text.Contains((byte)'.') ? 1 : 0);
    }
}
