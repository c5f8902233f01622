using System.Buffers.Text;
using System.Globalization;
using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>What a position is a place in.</summary>
internal enum PositionKind
{
    /// <summary>A part of a snapshot.</summary>
    Snapshot,

    /// <summary>The changes.</summary>
    Changes,
}

/// <summary>
/// A place in a table: <c>mysql1:kind:follow:from:below:after:rows</c>. It is made of values and not of cursors, so that it outlives any
/// connection, and a restart of the server.
/// </summary>
internal sealed record MySqlPosition
{
    private const string Version = "mysql1";

    /// <summary>Of what.</summary>
    public PositionKind Kind { get; init; }

    /// <summary>
    /// From which time on the next pass over the changes is to read, in microseconds since 1970: noted when a snapshot or a pass begins; null
    /// where changes can't be followed.
    /// </summary>
    public long? Follow { get; init; }

    /// <summary>The part's first value of the first column of the key; null for no bound.</summary>
    public byte[]? From { get; init; }

    /// <summary>The value before which the part ends; null for no bound.</summary>
    public byte[]? Below { get; init; }

    /// <summary>The values of the last row that was read; null where none was.</summary>
    public byte[][]? After { get; init; }

    /// <summary>Rows read before it, which number the next.</summary>
    public long Rows { get; init; }

    /// <summary>Reads a position.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="CheckpointErrors.BadPosition"/>.</exception>
    public static MySqlPosition Parse(Position position)
    {
        var parts = position.Value.Split(':');
        if (parts is [Version, "s" or "c", var follow, var from, var below, var after, var rows]
            && TryNumber(follow, out var f) && TryNumber(rows, out var r) && r is not null
            && TryValue(from, out var first) && TryValue(below, out var last) && TryValues(after, out var values))
        {
            var kind = parts[1] == "s" ? PositionKind.Snapshot : PositionKind.Changes;
            return new MySqlPosition { Kind = kind, Follow = f, From = first, Below = last, After = values, Rows = r.Value };
        }

        throw CheckpointErrors.BadPosition.Error($"'{position}' is not a position in a MySQL table.");
    }

    /// <summary>The position as it is saved.</summary>
    public Position ToPosition() => new(string.Create(
        CultureInfo.InvariantCulture,
        $"{Version}:{(Kind == PositionKind.Snapshot ? "s" : "c")}:{Text(Follow)}:{Text(From)}:{Text(Below)}:{Text(After)}:{Rows}"));

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static string Text(byte[]? value) => value is null ? "-" : "=" + Encode(value);

    private static string Text(byte[][]? values) => values is null ? "-" : "=" + string.Join(',', values.Select(Encode));

    // Readable where it can be; base64 behind a tilde where that is shorter.
    private static string Encode(byte[] value)
    {
        var text = new StringBuilder();
        for (var rest = value.AsSpan(); !rest.IsEmpty;)
        {
            var isText = Rune.DecodeFromUtf8(rest, out var rune, out var used) == System.Buffers.OperationStatus.Done
                && !Rune.IsControl(rune) && rune.Value is not ('%' or ':' or ',' or '~' or ' ');
            if (isText) text.Append(rune.ToString());
            else for (var i = 0; i < used; i++) text.Append(CultureInfo.InvariantCulture, $"%{rest[i]:X2}");
            rest = rest[used..];
        }

        return text.Length <= (value.Length * 3 / 2) + 16 ? text.ToString() : "~" + Base64Url.EncodeToString(value);
    }

    private static byte[]? Decode(string text)
    {
        if (text.StartsWith('~')) return Base64Url.IsValid(text.AsSpan(1)) ? Base64Url.DecodeFromChars(text.AsSpan(1)) : null;
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length;)
        {
            if (text[i] == '%')
            {
                if (i + 2 >= text.Length || !byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b)) return null;
                bytes.Add(b);
                i += 3;
            }
            else
            {
                if (Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var used) != System.Buffers.OperationStatus.Done) return null;
                bytes.AddRange(Encoding.UTF8.GetBytes(rune.ToString()));
                i += used;
            }
        }

        return [.. bytes];
    }

    private static bool TryNumber(string text, out long? number)
    {
        number = null;
        if (text == "-") return true;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)) return false;
        number = value;
        return true;
    }

    private static bool TryValue(string text, out byte[]? value)
    {
        value = null;
        return text == "-" || (text.StartsWith('=') && (value = Decode(text[1..])) is not null);
    }

    private static bool TryValues(string text, out byte[][]? values)
    {
        values = null;
        if (text == "-") return true;
        if (!text.StartsWith('=')) return false;
        var decoded = text[1..].Split(',').Select(Decode).ToArray();
        if (decoded.Any(v => v is null)) return false;
        values = decoded!;
        return true;
    }
}
