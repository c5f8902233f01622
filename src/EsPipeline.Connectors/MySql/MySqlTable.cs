using System.Globalization;
using System.Text;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>An index of a table.</summary>
/// <param name="Name">Its name; <c>PRIMARY</c> for the primary key.</param>
/// <param name="IsUnique">True where no two rows have the same values.</param>
/// <param name="Columns">Its columns in order; empty names stand for expressions.</param>
/// <param name="HasPrefix">True where only the beginning of a column is indexed.</param>
/// <param name="HasNulls">True where a column may be NULL, so that rows with NULL are not told apart.</param>
internal sealed record MySqlIndex(string Name, bool IsUnique, IReadOnlyList<string> Columns, bool HasPrefix, bool HasNulls)
{
    /// <summary>True where its values identify a row.</summary>
    public bool Identifies => IsUnique && !HasPrefix && !HasNulls && !Columns.Contains("");
}

/// <summary>A table as the server describes it.</summary>
/// <param name="Database">The database.</param>
/// <param name="Name">The table.</param>
/// <param name="Columns">Its columns in order.</param>
/// <param name="Indexes">Its indexes.</param>
internal sealed record MySqlTable(string Database, string Name, IReadOnlyList<MySqlColumn> Columns, IReadOnlyList<MySqlIndex> Indexes)
{
    /// <summary>The storage engine; empty for a view.</summary>
    public string Engine { get; init; } = "";

    /// <summary>The server's estimate of its rows.</summary>
    public long EstimatedRows { get; init; }

    /// <summary>True where triggers run, as far as the account may see them.</summary>
    public bool HasTriggers { get; init; }

    /// <summary>True where a foreign key of it refers to the table itself, so that what becomes of one row may touch another.</summary>
    public bool RefersToItself { get; init; }

    /// <summary>Database and table between backticks.</summary>
    public string Quoted => $"{SqlText.Name(Database)}.{SqlText.Name(Name)}";

    /// <summary>The columns of the primary key; empty where there is none.</summary>
    public IReadOnlyList<string> PrimaryKey => Indexes.FirstOrDefault(i => i.Name == "PRIMARY")?.Columns ?? [];

    /// <summary>Reads a table's description.</summary>
    /// <returns>Null where there is no such table, or none that the account may see.</returns>
    public static MySqlTable? Read(MySqlSession session, string database, string table)
    {
        var (db, name) = (SqlText.Literal(database), SqlText.Literal(table));
        var columns = session.Rows(
            $"SELECT {MySqlColumn.Question} FROM information_schema.COLUMNS WHERE TABLE_SCHEMA={db} AND TABLE_NAME={name} ORDER BY ORDINAL_POSITION")
            .Select(MySqlColumn.Of).ToList();
        if (columns.Count == 0) return null;

        var about = session.Rows($"SELECT ENGINE,TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA={db} AND TABLE_NAME={name}");
        var engine = about.FirstOrDefault()?[0] ?? "";
        var json = session.Server.IsMariaDb && engine.Length > 0 ? JsonColumns(session, database, table, columns) : [];
        var triggers = session.Rows(
            $"SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA={db} AND EVENT_OBJECT_TABLE={name}");
        var toItself = session.Rows(
            "SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_SCHEMA=TABLE_SCHEMA AND REFERENCED_TABLE_NAME=TABLE_NAME "
            + $"AND TABLE_SCHEMA={db} AND TABLE_NAME={name}");
        return new MySqlTable(database, table, [.. columns.Select(c => json.Contains(c.Name) ? c with { Kind = ColumnKind.Json } : c)], ReadIndexes(session, db, name))
        {
            Engine = engine,
            EstimatedRows = long.TryParse(about.FirstOrDefault()?[1], CultureInfo.InvariantCulture, out var rows) ? rows : 0,
            HasTriggers = triggers[0][0] != "0",
            RefersToItself = toItself[0][0] != "0",
        };
    }

    /// <summary>The column of a name, in any case.</summary>
    public MySqlColumn? Find(string column) => Columns.FirstOrDefault(c => c.Name.Equals(column, StringComparison.OrdinalIgnoreCase));

    /// <summary>The column of a name that an option gives.</summary>
    /// <exception cref="PipelineException"><see cref="TableErrors.NoColumn"/>.</exception>
    public MySqlColumn Get(string column, string option) =>
        Find(column) ?? throw TableErrors.NoColumn.Error($"{option}: the table {Database}.{Name} has no column '{column}'.");

    /// <summary>True where these columns together identify a row.</summary>
    public bool IsUnique(IReadOnlyList<string> columns) =>
        Indexes.Any(i => i.Identifies && i.Columns.All(c => columns.Contains(c, StringComparer.OrdinalIgnoreCase)));

    private static List<MySqlIndex> ReadIndexes(MySqlSession session, string db, string name) =>
    [
        .. session.Rows(
                "SELECT INDEX_NAME,NON_UNIQUE,COLUMN_NAME,SUB_PART,NULLABLE FROM information_schema.STATISTICS "
                + $"WHERE TABLE_SCHEMA={db} AND TABLE_NAME={name} ORDER BY INDEX_NAME,SEQ_IN_INDEX")
            .GroupBy(r => r[0]!, StringComparer.Ordinal)
            .Select(index => new MySqlIndex(
                index.Key,
                index.First()[1] == "0",
                [.. index.Select(r => r[2] ?? "")],
                index.Any(r => r[3] is not null),
                index.Any(r => r[4] == "YES"))),
    ];

    // MariaDB's JSON is LONGTEXT with the check json_valid(`column`). An account that may read some columns only is shown no checks: there, and
    // where there are none, what comes with the rows of a result tells (from 10.5 on).
    private static HashSet<string> JsonColumns(MySqlSession session, string database, string table, List<MySqlColumn> columns)
    {
        const string before = "json_valid(`";
        HashSet<string> json =
        [
            .. session.Rows($"SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA={SqlText.Literal(database)} AND TABLE_NAME={SqlText.Literal(table)}")
                .Select(r => r[0] ?? "")
                .Where(clause => clause.StartsWith(before, StringComparison.OrdinalIgnoreCase) && clause.EndsWith("`)", StringComparison.Ordinal))
                .Select(clause => clause[before.Length..^2].Replace("``", "`", StringComparison.Ordinal)),
        ];
        var texts = columns.Where(c => c.Kind is ColumnKind.Text or ColumnKind.Bytes).Select(c => c.Quoted).ToArray();
        if (json.Count > 0 || texts.Length == 0) return json;
        try
        {
            using var result = session.Open(Encoding.UTF8.GetBytes($"SELECT {string.Join(',', texts)} FROM {SqlText.Name(database)}.{SqlText.Name(table)} LIMIT 0"));
            return [.. result.Fields.Where(f => f.IsJson).Select(f => f.Name)];
        }
        catch (PipelineException e) when (e.Error == MySqlErrors.NotAllowed)
        {
            // A column that may only be written; where it has to be read, that is told then.
            return json;
        }
    }
}
