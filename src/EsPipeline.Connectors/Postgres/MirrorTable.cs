using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// A temporary table with the columns of another, gone when its transaction ends: records written to it by the same statements read back as they
/// would from the other, whatever the server makes of their values, and nothing of the other is touched.
/// </summary>
/// <param name="other">The other table.</param>
internal sealed class MirrorTable(SinkTable other)
{
    private const int BufferBytes = 1 << 20;

    private readonly SinkTable _mirror = other.Named("pg_temp.espipe_mirror");

    /// <summary>Writes records and reads them back.</summary>
    public Task<WriteResult> ReadBackAsync(NpgsqlConnection connection, RecordSlice slice, RecordBatchBuilder output, CancellationToken ct) =>
        _mirror.WriteAsync(connection, slice, ct, before: MakeAsync, after: (c, stop) => ReadAsync(c, output, stop));

    private async Task MakeAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        // All columns: documents may have fields of any that none had before.
        await PostgresDatabase.ExecuteAsync(
            connection, $"CREATE TEMPORARY TABLE espipe_mirror ON COMMIT DROP AS SELECT * FROM {other.Name} LIMIT 0", ct).ConfigureAwait(false);
        foreach (var key in other.BlurredKeys)
        {
            await PostgresDatabase.ExecuteAsync(connection, $"ALTER TABLE pg_temp.espipe_mirror ALTER {key} TYPE text COLLATE \"C\"", ct).ConfigureAwait(false);
        }

        await PostgresDatabase.ExecuteAsync(connection, $"ALTER TABLE pg_temp.espipe_mirror ADD UNIQUE ({_mirror.KeyNames})", ct).ConfigureAwait(false);
    }

    private async Task ReadAsync(NpgsqlConnection connection, RecordBatchBuilder output, CancellationToken ct)
    {
        var format = _mirror.ReadingFormat;
        var copy = new CopyRows(
            await connection.BeginRawBinaryCopyAsync($"COPY (SELECT {format.SelectList} FROM {_mirror.Name}) TO STDOUT (FORMAT binary)", ct).ConfigureAwait(false), BufferBytes);
        await using (copy.ConfigureAwait(false))
        {
            while (await copy.Rows.ReadAsync(ct).ConfigureAwait(false)) format.Add(copy.Rows, output);
        }
    }
}
