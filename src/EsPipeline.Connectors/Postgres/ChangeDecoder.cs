using System.Text;
using Microsoft.Extensions.Logging;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;

namespace EsPipeline.Connectors.Postgres;

/// <summary>A row that has changed: the table, and the values by which its documents are found; null where every row has, and with it every document.</summary>
internal readonly record struct ChangedRow(TrackedTable Table, string? Key);

/// <summary>
/// Takes from each message of pgoutput which rows have changed. Of a row only the columns are read by which its documents are found: the
/// documents are read again as they are now, so neither values that the log leaves out (TOAST) nor changes of columns matter.
/// </summary>
internal sealed class ChangeDecoder(DocumentSet documents, TrackedRelations relations, TruncateAnswer onTruncate, ILogger log)
{
    private readonly List<ChangedRow> _rows = [];

    /// <summary>The rows of a change; the list is used again for the next.</summary>
    public async ValueTask<IReadOnlyList<ChangedRow>> DecodeAsync(PgOutputReplicationMessage message, CancellationToken ct)
    {
        _rows.Clear();
        switch (message)
        {
            case RelationMessage described:
                relations.Forget(described.RelationId);
                break;
            case InsertMessage insert:
                await AddAsync(insert.Relation, insert.NewRow, ct).ConfigureAwait(false);
                break;
            case UpdateMessage or DeleteMessage when await LackingIdentityAsync(message, ct).ConfigureAwait(false) is { } lacking:
                throw PostgresErrors.IdentityChanged.Error($"The log does not tell '{lacking.Column}' of changed and deleted rows of {lacking.Table} any more, by which their documents are found.");
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
                await TruncateAsync(truncate, ct).ConfigureAwait(false);
                break;
        }

        return _rows;
    }

    // The documents of a table that is but a part of them are there still, and are made again without it.
    private async ValueTask TruncateAsync(TruncateMessage message, CancellationToken ct)
    {
        var emptied = new List<string>();
        foreach (var relation in message.Relations)
        {
            foreach (var table in await relations.OfAsync(relation.RelationId, ct).ConfigureAwait(false))
            {
                var row = new ChangedRow(table, null);
                if (table == documents.Root) emptied.Add($"{relation.Namespace}.{relation.RelationName}");
                else if (!_rows.Contains(row)) _rows.Add(row);
            }
        }

        if (emptied.Count == 0) return;
        var names = string.Join(", ", emptied);
        if (onTruncate == TruncateAnswer.Keep) Log.Truncated(log, names);
        else throw PostgresErrors.Truncated.Error($"{names} was emptied by TRUNCATE: the documents of its rows are still in the sink.");
    }

    private async ValueTask<(string Column, string Table)?> LackingIdentityAsync(PgOutputReplicationMessage message, CancellationToken ct)
    {
        var relation = message is UpdateMessage update ? update.Relation : ((DeleteMessage)message).Relation;
        if (relation.ReplicaIdentity == RelationMessage.ReplicaIdentitySetting.AllColumns) return null;
        foreach (var table in await relations.OfAsync(relation.RelationId, ct).ConfigureAwait(false))
        {
            var lacking = table.Columns.FirstOrDefault(c => !relation.Columns.Any(r => r.ColumnName == c.Name && r.Flags.HasFlag(RelationMessage.Column.ColumnFlags.PartOfKey)));
            if (lacking is not null) return (lacking.Name, table.Table.Name);
        }

        return null;
    }

    private async ValueTask AddAsync(RelationMessage relation, ReplicationTuple row, CancellationToken ct)
    {
        var tracked = await relations.OfAsync(relation.RelationId, ct).ConfigureAwait(false);
        if (tracked.Count == 0) return;
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
            var key = table.Columns.Where(c => values.ContainsKey(c.Name)).Select(c => AsCast(c, values[c.Name])).ToArray();
            if (key.Length == table.Columns.Count) _rows.Add(new ChangedRow(table, KeyText.Join(key)));
        }
    }

    // The log has values as their types write them; everywhere else a key is what a cast to text makes of it. Of the server's own types these are
    // the ones that have a cast of another outcome (pg_cast).
    private static string AsCast(PostgresColumn column, string value) => column.BaseType switch
    {
        _ when column.IsPadded => value.TrimEnd(' '),
        "boolean" => value == "t" ? "true" : "false",
        "inet" when !value.Contains('/', StringComparison.Ordinal) => value + (value.Contains(':', StringComparison.Ordinal) ? "/128" : "/32"),
        _ => value,
    };
}
