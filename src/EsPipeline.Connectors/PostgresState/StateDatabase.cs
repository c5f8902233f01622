using System.Globalization;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using Npgsql;

namespace EsPipeline.Connectors.PostgresState;

/// <summary>The database that keeps the state, its two tables, and few connections to it.</summary>
internal sealed class StateDatabase : IAsyncDisposable
{
    // Two that begin at once would both try to make the tables; one of them waits here. The number means nothing.
    private const string Tables = """
        SELECT pg_advisory_xact_lock(7386102117);
        CREATE TABLE IF NOT EXISTS espipe_job (
            job text PRIMARY KEY, token bigint NOT NULL, holder text NOT NULL, held_until timestamptz NOT NULL, checkpoint text, run text);
        CREATE TABLE IF NOT EXISTS espipe_run (
            job text NOT NULL, id text NOT NULL, number bigint GENERATED ALWAYS AS IDENTITY, run text NOT NULL, PRIMARY KEY (job, id));
        """;

    private const int LongestConnect = 4;

    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);

    private readonly NpgsqlDataSource _pool;

    /// <param name="address">Where it is; valid.</param>
    public StateDatabase(Secret address)
    {
        var target = PostgresAddress.Of(new PostgresOptions { Url = address, PoolSize = 4 }, LongestAnswer);
        target.ApplicationName = "espipe state";

        // Several tries have to fit into a lease, whatever the address says of one.
        target.Timeout = target.Timeout is > 0 and < LongestConnect ? target.Timeout : LongestConnect;

        // A position is durable once it is said to be saved, whatever the database's own setting (invariant 1).
        target.Options += " -c synchronous_commit=on";
        target.NoResetOnClose = false;
        target.ReadBufferSize = 8192;
        Description = string.Create(CultureInfo.InvariantCulture, $"PostgreSQL {target.Host}:{target.Port}/{target.Database}");
        _pool = NpgsqlDataSource.Create(target);
    }

    /// <summary>Host, port and name, without secrets.</summary>
    public string Description { get; }

    /// <summary>Makes the tables where they are missing.</summary>
    public async Task PrepareAsync(CancellationToken ct)
    {
        // Where they are there, no right to create any is needed.
        if (await IsPreparedAsync(ct).ConfigureAwait(false)) return;
        await TransactAsync((connection, stop) => ExecuteAsync(connection, Tables, stop), keep: true, ct).ConfigureAwait(false);
    }

    /// <summary>True where the tables are there.</summary>
    public Task<bool> IsPreparedAsync(CancellationToken ct) => CallAsync(
        async (connection, stop) =>
        {
            var command = new NpgsqlCommand("SELECT to_regclass('espipe_job') IS NOT NULL AND to_regclass('espipe_run') IS NOT NULL", connection);
            await using (command.ConfigureAwait(false)) return (bool)(await command.ExecuteScalarAsync(stop).ConfigureAwait(false))!;
        },
        ct);

    /// <summary>Whether it can be read and written; nothing of it stays.</summary>
    public async Task TryAsync(CancellationToken ct)
    {
        var tables = await IsPreparedAsync(ct).ConfigureAwait(false) ? "" : Tables;
        const string row = "INSERT INTO espipe_job VALUES ('.check', 0, '', '-infinity'); INSERT INTO espipe_run (job, id, run) VALUES ('.check', '', '');";
        await TransactAsync((connection, stop) => ExecuteAsync(connection, tables + row, stop), keep: false, ct).ConfigureAwait(false);
    }

    /// <summary>Calls within one transaction.</summary>
    /// <param name="call">What to do; what it returns is the result.</param>
    /// <param name="keep">False where it is rolled back in any case.</param>
    /// <param name="ct">Ends it.</param>
    public Task<int> TransactAsync(Func<NpgsqlConnection, CancellationToken, Task<int>> call, bool keep, CancellationToken ct) => CallAsync(
        async (connection, stop) =>
        {
            var transaction = await connection.BeginTransactionAsync(stop).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                var result = await call(connection, stop).ConfigureAwait(false);
                if (keep) await transaction.CommitAsync(stop).ConfigureAwait(false);
                else await transaction.RollbackAsync(stop).ConfigureAwait(false);
                return result;
            }
        },
        ct);

    /// <summary>Rows of texts; null for NULL.</summary>
    public Task<List<string?[]>> QueryAsync(string sql, object[] parameters, CancellationToken ct) => CallAsync(
        async (connection, stop) =>
        {
            var command = CommandOf(connection, sql, parameters);
            await using (command.ConfigureAwait(false))
            {
                var reader = await command.ExecuteReaderAsync(stop).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    var rows = new List<string?[]>();
                    while (await reader.ReadAsync(stop).ConfigureAwait(false))
                    {
                        rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetString(i))]);
                    }

                    return rows;
                }
            }
        },
        ct);

    /// <summary>Executes statements.</summary>
    /// <returns>How many rows they have changed.</returns>
    public static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        var command = CommandOf(connection, sql, parameters);
        await using (command.ConfigureAwait(false)) return await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private static NpgsqlCommand CommandOf(NpgsqlConnection connection, string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }

    // Cancelled, it returns at once, where Npgsql would first ask a server that may be silent to cancel. What is left of the call ends by
    // itself; should it still change something, the token of the lease decides on that.
    private async Task<T> CallAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> call, CancellationToken ct)
    {
        var called = CallToTheEndAsync(call, ct);
        try
        {
            return await called.WaitAsync(ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!called.IsCompleted)
        {
            _ = called.ContinueWith(c => c.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }
    }

    private async Task<T> CallToTheEndAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> call, CancellationToken ct)
    {
        await Task.Yield();
        for (var isFirst = true; ; isFirst = false)
        {
            try
            {
                var connection = await _pool.OpenConnectionAsync(ct).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false)) return await call(connection, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (PostgresFailure.IsOne(e))
            {
                var failure = PostgresFailure.Of(e, $"The state in {Description} can't be used");
                if (failure.Kind != FailureKind.Transient) throw StateDatabaseErrors.Refused.Error(failure.Message, inner: e);

                // A connection that was kept from before a restart says so at its first use; every statement here may be given twice.
                if (!isFirst) throw StateDatabaseErrors.Unreachable.Error(failure.Message, inner: e);
            }
        }
    }
}
