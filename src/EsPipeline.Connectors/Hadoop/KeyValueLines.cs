using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// Lines as Hadoop's <c>TextOutputFormat</c> writes them: a key, a tab and a value; a line without a tab is a key whose value was null.
/// </summary>
internal sealed class KeyValueLines(string name) : TabbedLines(name)
{
    /// <summary>What the documents hold.</summary>
    public static SourceSchema Schema { get; } = new(
    [
        new SourceField("key", FieldKind.Keyword, "keyword") { Nullable = false },
        new SourceField("value", FieldKind.Keyword, "keyword"),
        new SourceField("s3_source_file", FieldKind.Keyword, "keyword") { Nullable = false },
    ]);

    protected override void Convert(ReadOnlySpan<byte> text, long line, RecordBatchBuilder output)
    {
        var tab = text.IndexOf((byte)'\t');
        if (tab == 0)
        {
            output.AddMalformed(line, default, text, HadoopErrors.NoKey, "The line begins with its tab.");
            return;
        }

        var key = tab < 0 ? text : text[..tab];
        output.Write(key);
        output.EndKey();
        output.Write("{\"key\":"u8);
        JsonText.WriteString(key, output);
        output.Write(",\"value\":"u8);
        if (tab < 0) output.Write("null"u8);
        else JsonText.WriteString(text[(tab + 1)..], output);
        output.Write(SourceFile);
        output.EndRecord(RecordOperation.Upsert, 0, line);
    }
}
