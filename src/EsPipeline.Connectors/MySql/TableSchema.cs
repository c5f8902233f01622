using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.MySql;

/// <summary>What the columns of a table or a query say of the documents that its rows become.</summary>
internal static class TableSchema
{
    /// <summary>The fields; unknown where the documents lie in one column.</summary>
    public static SourceSchema Of(ReadTarget target) => target.Content is not null
        ? SourceSchema.Unknown
        : new SourceSchema([.. target.Columns.Select(c => FieldOf(c, target.Table?.Find(c.Name)))]);

    private static SourceField FieldOf(RowColumn column, MySqlColumn? declared) =>
        new(column.Name, KindOf(column.Kind), declared?.FullType ?? column.Kind.ToString().ToLowerInvariant())
        {
            Nullable = declared?.IsNullable ?? true,
            MaxLength = declared is { Kind: ColumnKind.Text, MaxLength: > 0 and <= int.MaxValue } ? (int)declared.MaxLength : null,
        };

    private static FieldKind KindOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Integer or ColumnKind.Year => FieldKind.Integer,
        ColumnKind.Bit => FieldKind.Decimal,
        ColumnKind.Decimal => FieldKind.Decimal,
        ColumnKind.Float or ColumnKind.Double => FieldKind.Double,
        ColumnKind.Bytes => FieldKind.Binary,
        ColumnKind.Json or ColumnKind.Geometry => FieldKind.Json,
        ColumnKind.Timestamp => FieldKind.Timestamp,
        ColumnKind.Text => FieldKind.Text,
        _ => FieldKind.Keyword,
    };
}
