using System.Text;
using System.Text.Json;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Columns;

/// <summary>The fields at the top of documents, which become the columns of a table that is made for them.</summary>
internal static class DocumentFields
{
    /// <summary>
    /// What is known of the fields after <c>--fields</c>, <c>--exclude-fields</c>, <c>--rename</c> and <c>--set</c>: the schema is the source's.
    /// One that knows nothing stays so, since a field that is set says nothing of the others; and one that gets a name with dots is not known any
    /// more, since such a name is no path.
    /// </summary>
    public static SourceSchema Kept(SourceSchema schema, RunOptions run)
    {
        var isDotted = run.Rename.Any(rule => rule[(rule.IndexOf('=', StringComparison.Ordinal) + 1)..].Contains('.', StringComparison.Ordinal))
            || run.Set.Any(rule => rule[..rule.IndexOf('=', StringComparison.Ordinal)].Contains('.', StringComparison.Ordinal));
        if (schema.Fields.Count == 0 || isDotted) return SourceSchema.Unknown;
        var kept = run.Fields.Select(f => f.Split('.')[0]).ToHashSet(StringComparer.Ordinal);
        var set = run.Set.Select(rule => SetBy(rule)).ToArray();
        var left = schema.Fields.Where(f => (kept.Count == 0 || kept.Contains(f.Path.Split('.')[0])) && !run.ExcludeFields.Concat(set.Select(s => s.Path)).Any(e => IsIn(f.Path, e)));
        return new SourceSchema([.. left.Select(f => f with { Path = Renamed(f.Path, run.Rename)! }).Concat(set)]);
    }

    /// <summary>The fields that <c>--fields</c> names, whether or not a document has them, as they are called in the end.</summary>
    public static IEnumerable<SourceField> Wanted(RunOptions run) =>
        run.Fields.Select(f => Renamed(f, run.Rename)).OfType<string>().Select(f => new SourceField(f.Split('.')[0], FieldKind.Json, "json"));

    /// <summary>The fields at the top of a schema; a field within an object makes the object one.</summary>
    public static IEnumerable<SourceField> TopOf(SourceSchema schema)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var nested = schema.Fields.Where(f => f.Path.Contains('.', StringComparison.Ordinal)).Select(f => f.Path.Split('.')[0]).ToHashSet(StringComparer.Ordinal);
        foreach (var field in schema.Fields)
        {
            var top = field.Path.Split('.')[0];
            if (seen.Add(top)) yield return nested.Contains(top) && field.Path != top ? new SourceField(top, FieldKind.Object, "object") : field;
        }
    }

    /// <summary>
    /// The fields of some documents, in the order in which they first appear, each of a kind that holds all its values; null where there is
    /// no document.
    /// </summary>
    public static IReadOnlyList<SourceField>? Of(IReadOnlyList<RecordSlice> sample)
    {
        var kinds = new OrderedDictionary<string, FieldKind>(StringComparer.Ordinal);
        var documents = 0;
        foreach (var slice in sample)
        {
            foreach (ref readonly var record in slice.Records)
            {
                if (record.Operation == RecordOperation.Delete) continue;
                documents++;
                Note(record.Json.Span, kinds);
            }
        }

        return documents == 0 ? null : [.. kinds.Select(k => new SourceField(k.Key, k.Value, k.Value.ToString()))];
    }

    private static bool IsIn(string path, string field) => path == field || path.StartsWith(field + ".", StringComparison.Ordinal);

    // Each rule names a field as the source does; another one may rename the object that it is in. Null where the new name has dots: it is one
    // name then, and not a path.
    private static string? Renamed(string path, IReadOnlyList<string> rules)
    {
        var parts = path.Split('.');
        foreach (var rule in rules)
        {
            var at = rule.IndexOf('=', StringComparison.Ordinal);
            if (IsIn(path, rule[..at])) parts[rule[..at].Count(c => c == '.')] = rule[(at + 1)..];
        }

        return parts.Any(p => p.Contains('.', StringComparison.Ordinal)) ? null : string.Join('.', parts);
    }

    private static SourceField SetBy(string rule)
    {
        var at = rule.IndexOf('=', StringComparison.Ordinal);
        var kind = FieldKind.Text;
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(rule[(at + 1)..]));
            reader.Read();
            var found = KindOf(ref reader);
            reader.Skip();
            if (!reader.Read()) kind = found;
        }
        catch (JsonException)
        {
            // What is not JSON is a text: TransformRules sets it so.
        }

        return new SourceField(rule[..at], kind, kind.ToString());
    }

    private static void Note(ReadOnlySpan<byte> document, OrderedDictionary<string, FieldKind> kinds)
    {
        var reader = new Utf8JsonReader(document, DocumentJson.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = DocumentJson.TextOf(ref reader);
            reader.Read();
            if (name is not null)
            {
                var kind = KindOf(ref reader);
                kinds[name] = kinds.TryGetValue(name, out var before) ? Both(before, kind) : kind;
            }

            reader.Skip();
        }
    }

    private static FieldKind KindOf(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String: return FieldKind.Text;
            case JsonTokenType.True or JsonTokenType.False: return FieldKind.Boolean;
            case JsonTokenType.Null: return FieldKind.Unknown;
            case JsonTokenType.Number:
                // 12.0 is whole, but a column of whole numbers takes no text like it.
                if (reader.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0 && new DecimalDigits(reader.ValueSpan).TryGetInteger(out var value) && value >= long.MinValue && value <= long.MaxValue) return FieldKind.Integer;
                return DecimalDigits.FitsDouble(reader.ValueSpan) ? FieldKind.Double : FieldKind.Json;
            default: return FieldKind.Json;
        }
    }

    private static FieldKind Both(FieldKind a, FieldKind b)
    {
        if (a == b || b == FieldKind.Unknown) return a;
        if (a == FieldKind.Unknown) return b;
        return (a, b) is (FieldKind.Integer, FieldKind.Double) or (FieldKind.Double, FieldKind.Integer) ? FieldKind.Double : FieldKind.Json;
    }
}
