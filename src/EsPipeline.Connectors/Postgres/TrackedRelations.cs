using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Which tracked tables a relation of the log is, or is a partition of. Partitions come while the log is read, and are asked for in the catalog
/// the first time that the log describes them, and each time that it describes them anew: an attached one had been a table of its own.
/// </summary>
/// <param name="documents">The tables, with the partitions that they had.</param>
/// <param name="address">How to connect; not to the pool, all of whose connections may wait for the log.</param>
internal sealed class TrackedRelations(DocumentSet documents, string address)
{
    private const string FindParents = """
        WITH RECURSIVE t(oid) AS (SELECT $1::text::oid UNION SELECT i.inhparent FROM pg_inherits i JOIN t ON i.inhrelid = t.oid) SELECT oid::text FROM t
        """;

    private readonly Dictionary<uint, TrackedTable[]> _found = [];

    /// <summary>The tracked tables; none for a relation that is none of them. A table may be tracked more than once, by different columns.</summary>
    public async ValueTask<IReadOnlyList<TrackedTable>> OfAsync(uint relation, CancellationToken ct)
    {
        if (_found.TryGetValue(relation, out var tables)) return tables;
        tables = [.. documents.Tables.Where(t => t.Table.Oid == relation || t.Table.Stores.Any(s => s.Oid == relation))];
        return _found[relation] = tables.Length > 0 ? tables : await LookUpAsync(relation, ct).ConfigureAwait(false);
    }

    /// <summary>Told that the log describes a relation anew.</summary>
    public void Forget(uint relation) => _found.Remove(relation);

    private async Task<TrackedTable[]> LookUpAsync(uint relation, CancellationToken ct)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(address) { Pooling = false }.ConnectionString);
        await using (connection.ConfigureAwait(false))
        {
            await connection.OpenAsync(ct).ConfigureAwait(false);
            var parents = (await PostgresDatabase.RowsAsync(
                connection, FindParents, ct, relation.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false)).Select(r => r[0]).ToHashSet();
            return [.. documents.Tables.Where(t => parents.Contains(t.Table.Oid.ToString(System.Globalization.CultureInfo.InvariantCulture)))];
        }
    }
}
