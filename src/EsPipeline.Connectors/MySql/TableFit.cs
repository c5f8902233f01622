using EsPipeline.Connectors.Columns;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.MySql;

/// <summary>Compares a table that exists with what is to be written to it.</summary>
internal static class TableFit
{
    /// <summary>Refuses a table that can't take the documents.</summary>
    /// <exception cref="PipelineException"><see cref="TableErrors.DoesNotFit"/>, naming every column that does not fit.</exception>
    public static void Check(TableLayout layout, SourceSchema schema)
    {
        var table = layout.Table;
        var problems = layout.Shape == MySqlShape.Document ? DocumentProblems(layout) : ColumnProblems(layout, schema);
        var found = KeyProblems(layout).Concat(problems).ToArray();
        if (found.Length > 0) throw TableErrors.DoesNotFit.Error($"The table {table.Database}.{table.Name} does not fit: {string.Join("; ", found)}.");
    }

    /// <summary>True where the row that an INSERT finds in its way may be another record's.</summary>
    public static bool MayHitOthers(TableLayout layout) =>
        (layout.Key[0].Kind is not ColumnKind.Integer && !layout.Key[0].TellsBytesApart) || OtherUniqueIndexes(layout).Any();

    /// <summary>Unique indexes that are not of the key alone.</summary>
    public static IEnumerable<MySqlIndex> OtherUniqueIndexes(TableLayout layout) =>
        layout.Table.Indexes.Where(i => i.IsUnique && !IsOfKey(i, layout));

    private static IEnumerable<string> KeyProblems(TableLayout layout)
    {
        if (layout.Key.Count > 1)
        {
            yield return $"its key has {layout.Key.Count} columns ({string.Join(", ", layout.Key.Select(k => k.Name))}), and a record has one key; name one with --db-key";
            yield break;
        }

        var key = layout.Key[0];
        if (!layout.Table.Indexes.Any(i => i.Identifies && IsOfKey(i, layout)))
        {
            yield return $"the column '{key.Name}' has no unique index of its own over its whole length and without NULL";
        }

        var allowed = layout.Shape == MySqlShape.Document
            ? key.DataType is "varchar" or "varbinary"
            : key.DataType is "varchar" or "varbinary" or "binary" || key.Kind == ColumnKind.Integer;
        if (!allowed) yield return $"the key column '{key.Name}' is {key.FullType}, which can't hold any key; make it VARCHAR or VARBINARY";
    }

    private static IEnumerable<string> DocumentProblems(TableLayout layout)
    {
        var content = layout.Content!;
        if (!content.CanHoldDocuments) yield return $"the column '{content.Name}' is {content.FullType}; make it JSON or LONGTEXT";
        if (content.IsGenerated) yield return $"the column '{content.Name}' is computed by the server";
        foreach (var column in layout.Table.Columns.Where(c => c != content && c != layout.Key[0] && !c.IsOptional))
        {
            yield return $"the column '{column.Name}' needs a value and has no default";
        }
    }

    private static IEnumerable<string> ColumnProblems(TableLayout layout, SourceSchema schema)
    {
        var fields = DocumentFields.TopOf(schema).ToArray();
        foreach (var field in fields)
        {
            if (layout.Table.Find(field.Path) is not { } column) yield return $"there is no column for the field '{field.Path}'";
            else if (!CanHold(column, field.Kind)) yield return $"the column '{column.Name}' is {column.FullType}, and the field holds {field.NativeType}";
        }

        if (fields.Length == 0) yield break;
        foreach (var column in layout.Table.Columns.Where(c => !c.IsOptional && c != layout.Key[0]))
        {
            if (!fields.Any(f => f.Path.Equals(column.Name, StringComparison.OrdinalIgnoreCase))) yield return $"the column '{column.Name}' needs a value and has no default";
        }
    }

    private static bool CanHold(MySqlColumn column, FieldKind kind) => (kind, column.Kind) switch
    {
        (_, ColumnKind.Text or ColumnKind.Json) => true,
        (FieldKind.Object or FieldKind.Nested or FieldKind.Json or FieldKind.GeoPoint, _) => false,
        (FieldKind.Boolean, ColumnKind.Date or ColumnKind.Timestamp or ColumnKind.Time or ColumnKind.Bytes) => false,
        (FieldKind.Timestamp, ColumnKind.Integer or ColumnKind.Bit or ColumnKind.Bytes or ColumnKind.Year) => false,
        (_, ColumnKind.Geometry) => false,
        _ => true,
    };

    // An index of the key's beginning takes two keys for the same.
    private static bool IsOfKey(MySqlIndex index, TableLayout layout) =>
        !index.HasPrefix && index.Columns.Count == 1 && index.Columns[0].Equals(layout.Key[0].Name, StringComparison.OrdinalIgnoreCase);
}
