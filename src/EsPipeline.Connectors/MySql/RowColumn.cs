namespace EsPipeline.Connectors.MySql;

/// <summary>A column of the rows that are read.</summary>
/// <param name="Name">Its name, which is the field's.</param>
/// <param name="Kind">What it holds.</param>
internal sealed record RowColumn(string Name, ColumnKind Kind)
{
    /// <summary>True for DATETIME, of which nobody but its writers knows the zone; a TIMESTAMP is read in UTC.</summary>
    public bool IsDateTime { get; init; }

    /// <summary>Its name between backticks.</summary>
    public string Quoted => SqlText.Name(Name);

    /// <summary>What is selected for its value: a FLOAT would come with six digits, a shape in a binary form.</summary>
    public string Selected => Kind switch
    {
        ColumnKind.Float => $"{Quoted}+0e0",
        ColumnKind.Geometry => $"ST_AsGeoJSON({Quoted})",
        _ => Quoted,
    };

    /// <summary>What is selected to go on from: the order of an ENUM, a SET and a BIT is that of their numbers, not of their texts.</summary>
    public string Ordering => Kind switch
    {
        ColumnKind.Enum or ColumnKind.Set or ColumnKind.Bit => $"{Quoted}+0",
        ColumnKind.Float => $"{Quoted}+0e0",
        _ => Quoted,
    };

    /// <summary>True where values are written into SQL as numbers.</summary>
    public bool OrdersAsNumber => Kind is ColumnKind.Integer or ColumnKind.Decimal or ColumnKind.Double or ColumnKind.Float or ColumnKind.Year
        or ColumnKind.Enum or ColumnKind.Set or ColumnKind.Bit;

    /// <summary>A column of a table.</summary>
    public static RowColumn Of(MySqlColumn column) => new(column.Name, column.Kind) { IsDateTime = column.DataType == "datetime" };

    /// <summary>A column of a query's result.</summary>
    public static RowColumn Of(MySqlField field) => new(field.Name, field.Type switch
    {
        NativeType.Tiny or NativeType.Short or NativeType.Long or NativeType.LongLong or NativeType.Int24 => ColumnKind.Integer,
        NativeType.Decimal or NativeType.NewDecimal => ColumnKind.Decimal,
        NativeType.Float => ColumnKind.Float,
        NativeType.Double => ColumnKind.Double,
        NativeType.Year => ColumnKind.Year,
        NativeType.Bit => ColumnKind.Bit,
        NativeType.Date or NativeType.NewDate => ColumnKind.Date,
        NativeType.DateTime or NativeType.Timestamp => ColumnKind.Timestamp,
        NativeType.Time => ColumnKind.Time,
        NativeType.Geometry => ColumnKind.Geometry,
        _ when field.IsJson => ColumnKind.Json,
        _ when field.IsBinary => ColumnKind.Bytes,
        _ => ColumnKind.Text,
    })
    {
        IsDateTime = field.Type == NativeType.DateTime,
    };
}
