using System.Buffers.Text;
using System.Globalization;

namespace EsPipeline.Connectors.Firestore;

/// <summary>Numbers with a fraction or an exponent, as JSON writes them.</summary>
internal static class DoubleText
{
    // Any decimal number of so many digits survives being a double, but for those below the least normal one.
    private const int SafeDigits = 15;
    private const double LeastNormal = 2.2250738585072014E-308;

    // No double has more digits than this, see https://en.wikipedia.org/wiki/Double-precision_floating-point_format.
    private const int MostDigits = 767;

    /// <summary>True where a double can stand for a number.</summary>
    /// <param name="text">The number.</param>
    /// <param name="exactly">True where every digit counts, as in a decimal column; else it need only be within a double's range, as JSON's readers have it.</param>
    public static bool Holds(ReadOnlySpan<byte> text, bool exactly)
    {
        if (!Utf8Parser.TryParse(text, out double number, out _) || !double.IsFinite(number)) return false;
        var most = SignificantDigits(text);
        if (number == 0) return most == 0;
        if (!exactly || IsSafe(number, most)) return true;
        if (most > MostDigits) return false;
        Span<byte> written = stackalloc byte[32], left = stackalloc byte[MostDigits], right = stackalloc byte[MostDigits];
        number.TryFormat(written, out var length, "R", CultureInfo.InvariantCulture);
        return Digits(text, left).SequenceEqual(Digits(written[..length], right));
    }

    /// <summary>True where a finite double has other digits than a number, written with as many as that has.</summary>
    public static bool Rounds(ReadOnlySpan<byte> text)
    {
        var most = SignificantDigits(text);
        if (most > MostDigits || !Utf8Parser.TryParse(text, out double number, out _)) return true;
        if (IsSafe(number, most)) return false;
        Span<byte> written = stackalloc byte[MostDigits + 16];
        Span<byte> left = stackalloc byte[MostDigits], right = stackalloc byte[MostDigits];
        var digits = Digits(text, left);
        number.TryFormat(written, out var length, string.Create(CultureInfo.InvariantCulture, $"E{Math.Max(digits.Length - 1, 0)}"), CultureInfo.InvariantCulture);
        return !digits.SequenceEqual(Digits(written[..length], right));
    }

    /// <summary>Writes a finite double with the fewest digits that read back as the same.</summary>
    public static void Write(double number, PooledBuffer output)
    {
        number.TryFormat(output.GetSpan(32), out var length, "R", CultureInfo.InvariantCulture);
        output.Advance(length);
    }

    private static bool IsSafe(double number, int digits) => digits <= SafeDigits && (digits == 0 || Math.Abs(number) >= LeastNormal);

    private static int SignificantDigits(ReadOnlySpan<byte> text)
    {
        var exponent = text.IndexOfAny((byte)'e', (byte)'E');
        if (exponent >= 0) text = text[..exponent];
        text = text.TrimStart("-0."u8);
        if (text.Contains((byte)'.')) text = text.TrimEnd((byte)'0').TrimEnd((byte)'.');
        return text.Length - (text.Contains((byte)'.') ? 1 : 0);
    }

    // The digits from the first to the last that is no zero, without the point between them.
    private static ReadOnlySpan<byte> Digits(ReadOnlySpan<byte> text, Span<byte> into)
    {
        var exponent = text.IndexOfAny((byte)'e', (byte)'E');
        if (exponent >= 0) text = text[..exponent];
        text = text.Trim("-0."u8);
        var point = text.IndexOf((byte)'.');
        if (point < 0) return text;
        text[..point].CopyTo(into);
        text[(point + 1)..].CopyTo(into[point..]);
        return into[..(text.Length - 1)];
    }
}
