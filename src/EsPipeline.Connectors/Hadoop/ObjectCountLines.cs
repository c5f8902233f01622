using System.Buffers.Text;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// Lines of counted objects: <c>label@YYYY-MM-DD HH:MM</c>, a tab, the count, and perhaps a tab and the times that were counted. The key is
/// label and time as they stand there, so that a job that is run again replaces what it had counted before.
/// </summary>
internal sealed class ObjectCountLines(string name) : TabbedLines(name)
{
    private const int BucketLength = 16;

    /// <summary>What the documents hold.</summary>
    public static SourceSchema Schema { get; } = new(
    [
        new SourceField("label", FieldKind.Keyword, "keyword") { Nullable = false },
        new SourceField("count", FieldKind.Integer, "integer") { Nullable = false },
        new SourceField("time_bucket", FieldKind.Timestamp, "date", "strict_date_optional_time") { Nullable = false },
        new SourceField("@timestamp", FieldKind.Timestamp, "date", "strict_date_optional_time") { Nullable = false },
        new SourceField("s3_source_file", FieldKind.Keyword, "keyword") { Nullable = false },
    ])
    {
        IsExact = true,
    };

    protected override void Convert(ReadOnlySpan<byte> text, long line, RecordBatchBuilder output)
    {
        text = text.TrimEnd((byte)'\r');
        var tab = text.IndexOf((byte)'\t');
        if (tab < 0)
        {
            output.AddMalformed(line, default, text, HadoopErrors.NotACount, "The line has no tab.");
            return;
        }

        var key = text[..tab];
        var rest = text[(tab + 1)..];

        // The label may hold @ itself: the last one is the one before the time.
        var at = key.LastIndexOf((byte)'@');
        if (at <= 0 || !IsBucket(key[(at + 1)..]))
        {
            var what = at < 0 ? "There is no @ before the first tab." : at == 0 ? "There is no label before the @." : "What follows the last @ is not a time of the form YYYY-MM-DD HH:MM.";
            output.AddMalformed(line, default, text, HadoopErrors.NotACount, what);
            return;
        }

        tab = rest.IndexOf((byte)'\t');
        var number = tab < 0 ? rest : rest[..tab];
        if (!Utf8Parser.TryParse(number, out long count, out var used) || used != number.Length || number[0] is (byte)'-' or (byte)'+')
        {
            output.AddMalformed(line, key, text, HadoopErrors.NotACount, "What follows the first tab is not a whole number from 0 to 9223372036854775807.");
            return;
        }

        if (tab >= 0 && rest[(tab + 1)..].Contains((byte)'\t'))
        {
            output.AddMalformed(line, key, text, HadoopErrors.NotACount, "The line has more than three fields with tabs between them.");
            return;
        }

        output.Write(key);
        output.EndKey();
        Write(key[..at], count, key[(at + 1)..], output);
        output.EndRecord(RecordOperation.Upsert, 0, line);
    }

    private void Write(ReadOnlySpan<byte> label, long count, ReadOnlySpan<byte> bucket, RecordBatchBuilder output)
    {
        output.Write("{\"label\":"u8);
        JsonText.WriteString(label, output);
        output.Write(",\"count\":"u8);
        Utf8Formatter.TryFormat(count, output.GetSpan(20), out var digits);
        output.Advance(digits);
        output.Write(",\"time_bucket\":"u8);
        WriteTime(bucket, output);
        output.Write(",\"@timestamp\":"u8);
        WriteTime(bucket, output);
        output.Write(SourceFile);
    }

    private static void WriteTime(ReadOnlySpan<byte> bucket, RecordBatchBuilder output)
    {
        output.Write("\""u8);
        output.Write(bucket[..10]);
        output.Write("T"u8);
        output.Write(bucket[11..]);
        output.Write(":00Z\""u8);
    }

    private static bool IsBucket(ReadOnlySpan<byte> text) =>
        text.Length == BucketLength && text[4] == '-' && text[7] == '-' && text[10] == ' ' && text[13] == ':'
        && Number(text[..4]) is >= 1 and var year && Number(text[5..7]) is >= 1 and <= 12 and var month
        && Number(text[8..10]) is >= 1 and var day && day <= DateTime.DaysInMonth(year, month)
        && Number(text[11..13]) is >= 0 and <= 23 && Number(text[14..]) is >= 0 and <= 59;

    // -1 where it is not all digits.
    private static int Number(ReadOnlySpan<byte> digits)
    {
        var number = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit)) return -1;
            number = (number * 10) + digit - '0';
        }

        return number;
    }
}
