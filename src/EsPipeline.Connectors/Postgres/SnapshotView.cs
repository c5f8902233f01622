using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// One moment of the database, held by a transaction of its own for others to read in. When that connection breaks the moment is gone:
/// what is read after that is read as it is then, and what changed meanwhile has to be looked for afterwards.
/// </summary>
internal sealed class SnapshotView : IAsyncDisposable
{
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(1);

    private readonly NpgsqlConnection _holder;
    private readonly string _name;

    private SnapshotView(NpgsqlConnection holder, string name, ulong transaction) => (_holder, _name, OldestTransaction) = (holder, name, transaction);

    /// <summary>Every transaction below this number had ended at that moment.</summary>
    public ulong OldestTransaction { get; }

    /// <summary>True once somebody had to read without it.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Holds the moment that it is now, or that another transaction has exported under a name.</summary>
    public static async Task<SnapshotView> OpenAsync(PostgresDatabase database, string? exported, CancellationToken ct)
    {
        var holder = await database.OpenAsync(ct).ConfigureAwait(false);
        try
        {
            await PostgresDatabase.ExecuteAsync(holder, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ct).ConfigureAwait(false);
            if (exported is not null) await ImportAsync(holder, exported, ct).ConfigureAwait(false);
            var row = await PostgresDatabase.RowAsync(
                holder, "SELECT pg_export_snapshot(), pg_snapshot_xmin(pg_current_snapshot())::text", ct).ConfigureAwait(false);
            return new SnapshotView(holder, row[0]!, ulong.Parse(row[1]!, System.Globalization.CultureInfo.InvariantCulture));
        }
        catch (Exception e)
        {
            await holder.DisposeAsync().ConfigureAwait(false);
            if (PostgresFailure.IsOne(e)) throw PostgresFailure.Of(e, "Could not begin a snapshot");
            throw;
        }
    }

    /// <summary>Begins a transaction that sees this moment, or the present one where it is gone.</summary>
    /// <returns>True where it sees this moment.</returns>
    public async Task<bool> JoinAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await PostgresDatabase.ExecuteAsync(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ct).ConfigureAwait(false);
        if (IsLost) return false;
        try
        {
            await ImportAsync(connection, _name, ct).ConfigureAwait(false);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidParameterValue or PostgresErrorCodes.UndefinedObject)
        {
            IsLost = true;
            await PostgresDatabase.ExecuteAsync(connection, "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ct).ConfigureAwait(false);
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_holder.State == System.Data.ConnectionState.Open)
            {
                using var limit = new CancellationTokenSource(LongestGoodbye);
                await PostgresDatabase.ExecuteAsync(_holder, "ROLLBACK", limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (PostgresFailure.IsOne(e) || e is OperationCanceledException)
        {
            // The connection is broken, and the transaction with it.
        }

        await _holder.DisposeAsync().ConfigureAwait(false);
    }

    private static Task<int> ImportAsync(NpgsqlConnection connection, string name, CancellationToken ct) =>
        PostgresDatabase.ExecuteAsync(connection, $"SET TRANSACTION SNAPSHOT {SqlText.Literal(name)}", ct);
}
