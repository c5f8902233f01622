using System.Text;
using Microsoft.Extensions.Logging;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;

namespace EsPipeline.Connectors.Postgres;

/// <summary>A row that has changed: the table, and the values by which its documents are found.</summary>
internal readonly record struct ChangedRow(TrackedTable Table, string Key);

/// <summary>
/// Takes from each message of pgoutput which rows have changed. Of a row only the columns are read by which its documents are found: the
/// documents are read again as they are now, so neither values that the log leaves out (TOAST) nor changes of columns matter.
/// </summary>
internal sealed class ChangeDecoder(DocumentSet documents, ILogger log)
{
    private readonly List<ChangedRow> _rows = [];

    /// <summary>The rows of a change; the list is used again for the next.</summary>
    public async ValueTask<IReadOnlyList<ChangedRow>> DecodeAsync(PgOutputReplicationMessage message, CancellationToken ct)
    {
        _rows.Clear();
        switch (message)
        {
            case InsertMessage insert:
                await AddAsync(insert.Relation, insert.NewRow, ct).ConfigureAwait(false);
                break;
            case FullUpdateMessage update:
                await AddAsync(update.Relation, update.OldRow, ct).ConfigureAwait(false);
                await AddAsync(update.Relation, update.NewRow, ct).ConfigureAwait(false);
                break;
            case IndexUpdateMessage update:
                await AddAsync(update.Relation, update.Key, ct).ConfigureAwait(false);
                await AddAsync(update.Relation, update.NewRow, ct).ConfigureAwait(false);
                break;
            case DefaultUpdateMessage update:
                await AddAsync(update.Relation, update.NewRow, ct).ConfigureAwait(false);
                break;
            case FullDeleteMessage delete:
                await AddAsync(delete.Relation, delete.OldRow, ct).ConfigureAwait(false);
                break;
            case KeyDeleteMessage delete:
                await AddAsync(delete.Relation, delete.Key, ct).ConfigureAwait(false);
                break;
            case TruncateMessage truncate:
                foreach (var relation in truncate.Relations) Log.Truncated(log, $"{relation.Namespace}.{relation.RelationName}");
                break;
        }

        return _rows;
    }

    private async ValueTask AddAsync(RelationMessage relation, ReplicationTuple row, CancellationToken ct)
    {
        // A table may be tracked more than once, by different columns.
        var tracked = documents.Tables.Where(t => t.Table.Oid == relation.RelationId || t.Table.Stores.Any(s => s.Oid == relation.RelationId)).ToArray();
        var wanted = tracked.SelectMany(t => t.Columns).Select(c => c.Name).ToHashSet();
        var values = new Dictionary<string, string>();
        var column = 0;
        await foreach (var value in row.WithCancellation(ct).ConfigureAwait(false))
        {
            var name = relation.Columns[column++].ColumnName;
            if (value.IsDBNull || value.IsUnchangedToastedValue || !wanted.Contains(name)) continue;
            using var reader = new StreamReader(value.GetStream(), Encoding.UTF8);
            values[name] = await reader.ReadToEndAsync(ct).ConfigureAwait(false);
        }

        foreach (var table in tracked)
        {
            var key = table.Columns.Where(c => values.ContainsKey(c.Name)).Select(c => c.IsPadded ? values[c.Name].TrimEnd(' ') : values[c.Name]).ToArray();
            if (key.Length == table.Columns.Count) _rows.Add(new ChangedRow(table, KeyText.Join(key)));
        }
    }
}
