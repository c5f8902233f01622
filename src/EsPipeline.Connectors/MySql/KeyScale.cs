using System.Globalization;
using System.Numerics;
using System.Text;

namespace EsPipeline.Connectors.MySql;

/// <summary>The values between the first and the last key of a column as numbers from 0 on, so that the span between them can be divided.</summary>
internal sealed class KeyScale
{
    // What follows the beginning that the first and the last key share: 12 characters tell the keys of a table with outliers apart.
    private const int Digits = 12;
    private const int LongestPrefix = 256;

    private static readonly byte[] AllBytes = [.. Enumerable.Range(0, 256).Select(b => (byte)b)];
    private static readonly byte[] Printable = [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (byte)c)];
    private static readonly byte[] LettersAndDigits = [.. " 0123456789abcdefghijklmnopqrstuvwxyz"u8];

    private readonly byte[]? _prefix;
    private readonly byte[] _alphabet;
    private readonly BigInteger _first;

    private KeyScale(byte[]? prefix, byte[] alphabet, BigInteger first, BigInteger last) =>
        (_prefix, _alphabet, _first, Length) = (prefix, alphabet, first, last - first + 1);

    /// <summary>How many numbers there are.</summary>
    public BigInteger Length { get; }

    /// <summary>The scale between two keys of a column that holds whole numbers, text or bytes.</summary>
    /// <param name="column">The column.</param>
    /// <param name="first">Its first value, as the server sends it.</param>
    /// <param name="last">Its last.</param>
    public static KeyScale Of(MySqlColumn column, byte[] first, byte[] last)
    {
        if (column.Kind == ColumnKind.Integer) return new KeyScale(null, [], Integer(first), Integer(last));

        // Of other collations only this much is alike: digits stand before letters, and the case of a letter decides last.
        var alphabet = column.Kind == ColumnKind.Bytes ? AllBytes : column.Collation.EndsWith("_bin", StringComparison.Ordinal) ? Printable : LettersAndDigits;
        var common = Math.Min(first.AsSpan().CommonPrefixLength(last), LongestPrefix);
        while (column.Kind == ColumnKind.Text && common > 0 && common < last.Length && (last[common] & 0xC0) == 0x80) common--;
        return new KeyScale(first[..common], alphabet, Number(first.AsSpan(common), alphabet), Number(last.AsSpan(common), alphabet));
    }

    /// <summary>The value at a number, as <see cref="Of"/> takes it.</summary>
    public byte[] At(BigInteger offset)
    {
        var number = _first + offset;
        if (_prefix is null) return Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
        Span<byte> digits = stackalloc byte[Digits];
        for (var i = Digits - 1; i >= 0; i--)
        {
            digits[i] = _alphabet[(int)(number % _alphabet.Length)];
            number /= _alphabet.Length;
        }

        return [.. _prefix, .. digits.TrimEnd(_alphabet[0])];
    }

    private static BigInteger Integer(byte[] digits) => BigInteger.Parse(Encoding.ASCII.GetString(digits), CultureInfo.InvariantCulture);

    private static BigInteger Number(ReadOnlySpan<byte> text, byte[] alphabet)
    {
        var number = BigInteger.Zero;
        for (var i = 0; i < Digits; i++)
        {
            number *= alphabet.Length;
            if (i < text.Length) number += IndexOf(text[i], alphabet);
        }

        return number;
    }

    private static int IndexOf(byte character, byte[] alphabet)
    {
        if (alphabet == LettersAndDigits && char.IsAsciiLetterUpper((char)character)) character |= 0x20;
        var index = Array.BinarySearch(alphabet, character);
        return index >= 0 ? index : Math.Max(0, ~index - 1);
    }
}
