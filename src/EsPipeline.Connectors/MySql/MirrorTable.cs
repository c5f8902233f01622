using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// A temporary table with the columns of another, which only its own connection sees: rows written to it read back as they would from the
/// other, whatever the server makes of their values, and nothing of the other is touched. Called on a connection's thread.
/// </summary>
/// <param name="layout">The other table.</param>
/// <param name="columns">The columns that rows have values for; the key's is the first.</param>
/// <param name="log">Where the server's warnings go.</param>
internal sealed class MirrorTable(TableLayout layout, IReadOnlyList<MySqlColumn> columns, ILogger log)
{
    private const string Name = "espipe_mirror";

    // Another name, and no index: a row of another key is in nobody's way.
    private readonly TableLayout _mirror = layout with { Table = layout.Table with { Name = Name, Indexes = [], HasTriggers = false } };

    /// <summary>Writes rows, and reads them back.</summary>
    /// <exception cref="Core.Errors.PipelineException">As a write throws it; of a permanent kind where a row is to blame.</exception>
    public WriteResult ReadBack(MySqlSession session, RowBlock rows, int first, int count, RecordBatchBuilder output)
    {
        // Made anew, since another set of columns may have been in use on this connection.
        session.Execute($"DROP TEMPORARY TABLE IF EXISTS {_mirror.Table.Quoted}");
        session.Execute(
            $"CREATE TEMPORARY TABLE {_mirror.Table.Quoted} ({SqlText.Name(NumberOf(columns))} BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY) "
            + $"AS SELECT {string.Join(',', columns.Select(c => c.Quoted))} FROM {layout.Table.Quoted} LIMIT 0");
        new TableWriter(session.Server, _mirror, columns, MySqlWrite.Upsert, log).Insert(session, rows, first, count);
        var read = columns.Select(RowColumn.Of).ToList();
        var reader = new RowReader([read[0]], layout.Content is { } content ? RowColumn.Of(content) : null, read);
        using (var result = session.Open(System.Text.Encoding.UTF8.GetBytes($"SELECT {reader.SelectList} FROM {_mirror.Table.Quoted}")))
        {
            for (var place = 0L; result.Read(); place++) reader.Append(result, place, output);
        }

        session.Execute("COMMIT");
        return WriteResult.All(count);
    }

    // Some servers make no table without a primary key (sql_require_primary_key, innodb_force_primary_key).
    private static string NumberOf(IReadOnlyList<MySqlColumn> columns)
    {
        var name = "espipe_row";
        while (columns.Any(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) name += "_";
        return name;
    }
}
