using System.Text;

namespace EsPipeline.Benchmarks;

/// <summary>Files with the same rows as lines for espipe, as statements, and as the text that <c>LOAD DATA</c> takes.</summary>
internal static class MySqlRows
{
    // Below the smallest max_allowed_packet that servers come with.
    private const int StatementCharacters = 1_000_000;

    /// <summary>The documents, one a line.</summary>
    public static async Task WriteLinesAsync(string file, long rows)
    {
        await using var output = Create(file);
        for (long i = 0; i < rows; i++) await output.WriteAsync(BenchIndex.Line(i) + "\n");
    }

    /// <summary>INSERT statements of about a megabyte, each with as many rows as it holds; a row that is there is replaced.</summary>
    public static Task WriteStatementsAsync(string file, string table, long rows) => WriteStatementsAsync(file, table, rows, BenchIndex.Line);

    /// <summary>The same of other documents.</summary>
    public static async Task WriteStatementsAsync(string file, string table, long rows, Func<long, string> documentOf)
    {
        await using var output = Create(file);
        var statement = new StringBuilder();
        for (long i = 0; i < rows; i++)
        {
            statement.Append(statement.Length == 0 ? $"INSERT INTO {table} (id, content) VALUES " : ",").Append("('").Append(BenchIndex.Key(i)).Append("','").Append(documentOf(i)).Append("')");
            if (statement.Length < StatementCharacters && i < rows - 1) continue;
            await output.WriteAsync(statement.Append(" ON DUPLICATE KEY UPDATE content=VALUES(content);\n"));
            statement.Clear();
        }
    }

    /// <summary>Rows of two values with a tab between them. The documents hold nothing that would have to be escaped, here or in a statement.</summary>
    public static async Task WriteTextAsync(string file, long rows)
    {
        await using var output = Create(file);
        for (long i = 0; i < rows; i++) await output.WriteAsync(Text(i) + "\n");
    }

    /// <summary>A row as <c>LOAD DATA</c> takes it and the client prints it.</summary>
    public static string Text(long row) => $"{BenchIndex.Key(row)}\t{BenchIndex.Line(row)}";

    private static StreamWriter Create(string file) => new(file, append: false, new UTF8Encoding(false), 1 << 20);
}
