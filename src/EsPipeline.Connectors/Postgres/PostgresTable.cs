using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Postgres;

/// <summary>How a column's value comes out of binary COPY and goes into JSON.</summary>
internal enum ValueForm
{
    /// <summary>JSON already: the column's own, or what <c>to_json</c> made of it.</summary>
    Json,

    /// <summary>jsonb: one byte of version, then JSON.</summary>
    BinaryJson,

    /// <summary>UTF-8 text.</summary>
    Text,

    /// <summary>true or false.</summary>
    Boolean,

    /// <summary>A whole number of 2, 4 or 8 bytes.</summary>
    Integer,

    /// <summary>A binary floating-point number of 4 or 8 bytes.</summary>
    Float,

    /// <summary>A decimal number of any precision.</summary>
    Numeric,

    /// <summary>16 bytes.</summary>
    Uuid,

    /// <summary>Bytes.</summary>
    Bytes,

    /// <summary>Days since 2000.</summary>
    Date,

    /// <summary>Microseconds since 2000, without a zone.</summary>
    Timestamp,

    /// <summary>Microseconds since 2000, UTC.</summary>
    TimestampTz,
}

/// <summary>A column.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type, as a cast names it that is to cut nothing.</param>
/// <param name="Form">How its values are read.</param>
/// <param name="Kind">What it holds, in terms that every system shares.</param>
internal sealed record PostgresColumn(string Name, string Type, ValueForm Form, FieldKind Kind)
{
    /// <summary>Its type with what limits it, such as <c>numeric(10,2)</c>.</summary>
    public string DeclaredType { get; init; } = Type;

    /// <summary>Its type without domains: that of the values themselves, and of a list's elements.</summary>
    public string BaseType { get; init; } = Type;

    /// <summary>True for a row type, and for a list of one.</summary>
    public bool IsComposite { get; init; }

    /// <summary>The number of its type and what limits it, which no setting of a session shows otherwise.</summary>
    public string TypeId { get; init; } = "";

    /// <summary>False where it may be null.</summary>
    public bool Nullable { get; init; }

    /// <summary>True where the server computes the value, so that none can be given.</summary>
    public bool IsGenerated { get; init; }

    /// <summary>True where the server gives each row a number of its own, which can't be changed (GENERATED ALWAYS AS IDENTITY).</summary>
    public bool IsIdentity { get; init; }

    /// <summary>True where a row that says nothing of it gets a value.</summary>
    public bool HasDefault { get; init; }

    /// <summary>True where it was made for a field of documents.</summary>
    public bool IsField { get; init; }

    /// <summary>True where binary COPY gives the value itself; of the others <c>to_json</c> makes text.</summary>
    public bool IsPlain { get; init; }

    /// <summary>True for <c>char(n)</c>, also below a domain, which is sent with blanks at its end that do not count.</summary>
    public bool IsPadded => BaseType == "bpchar";

    /// <summary>True for text of which two that are written differently may be equal: citext, and text of a nondeterministic collation.</summary>
    public bool Blurs { get; init; }

    /// <summary>The most characters, where the type says so.</summary>
    public int? MaxLength { get; init; }
}

/// <summary>Where rows lie: a table, a partition of one, or a table that inherits from one.</summary>
/// <param name="Oid">Its number.</param>
/// <param name="Name">Its name, quoted for SQL.</param>
/// <param name="FileNode">The file it lies in; another one after everything in it was written anew (VACUUM FULL, TRUNCATE, CLUSTER).</param>
/// <param name="Blocks">Its length in blocks, now.</param>
internal sealed record PostgresStore(uint Oid, string Name, uint FileNode, long Blocks)
{
    /// <summary>The table access method that keeps it where that is not the server's own heap; else null.</summary>
    public string? OtherMethod { get; init; }

    /// <summary>True where the server's log tells nothing of it.</summary>
    public bool IsUnlogged { get; init; }
}

/// <summary>A table as the catalog describes it.</summary>
/// <param name="Oid">Its number.</param>
/// <param name="Name">Its name, quoted for SQL.</param>
/// <param name="Columns">In the table's order.</param>
/// <param name="Key">The columns of its key, in order.</param>
/// <param name="Stores">Where its rows lie.</param>
internal sealed record PostgresTable(
    uint Oid, string Name, IReadOnlyList<PostgresColumn> Columns, IReadOnlyList<PostgresColumn> Key, IReadOnlyList<PostgresStore> Stores)
{
    /// <summary>True where it stands for the rows of a query, which lie nowhere.</summary>
    public bool IsQuery => Oid == 0;

    /// <summary>True where its rows lie in partitions, or in tables that inherit from it.</summary>
    public bool IsInParts => !IsQuery && (Stores.Count != 1 || Stores[0].Oid != Oid);

    /// <summary>True where tables inherit from it, which no index keeps from having its keys.</summary>
    public bool IsInherited => IsInParts && Stores.Any(s => s.Oid == Oid);

    /// <summary>The fields of its rows' documents.</summary>
    public SourceSchema Schema => new([.. Columns.Select(
        c => new SourceField(c.Name, c.Kind, c.Type, c.Form == ValueForm.Date ? "strict_date" : c.Kind == FieldKind.Timestamp ? "strict_date_optional_time" : null)
        {
            Nullable = c.Nullable,
            MaxLength = c.MaxLength,
        })]);

    /// <summary>The column of this name; null for none.</summary>
    public PostgresColumn? Find(string name) => Columns.FirstOrDefault(c => c.Name == name);
}
