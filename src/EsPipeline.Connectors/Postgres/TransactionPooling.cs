using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Finds a pooler between here and the server (pgbouncer with <c>pool_mode = transaction</c>) that gives each transaction any of its sessions: what
/// is set for one here, such as that it only reads, would go on to an application's next transaction, and be missing from the next one here.
/// </summary>
internal static class TransactionPooling
{
    private const string FindBackend = "SELECT pg_backend_pid()::text";
    private const int Looks = 3;
    private const int LongestWaitSeconds = 2;

    /// <summary>Looks at a connection for which nothing has been set yet.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="PostgresErrors.TransactionPooling"/>.</exception>
    public static async Task CheckAsync(NpgsqlConnection connection, NpgsqlConnectionStringBuilder address, CancellationToken ct)
    {
        // A pooler tells a number of its own, whichever way it pools.
        var backend = await BackendAsync(connection, ct).ConfigureAwait(false);
        if (backend == connection.ProcessID.ToString(System.Globalization.CultureInfo.InvariantCulture)) return;

        // One that keeps a session for whoever has set something (Amazon's RDS Proxy) does so from here on; to anybody else it means nothing.
        await PostgresDatabase.ExecuteAsync(connection, "SET espipe.session = 'kept'", ct).ConfigureAwait(false);
        backend = await BackendAsync(connection, ct).ConfigureAwait(false);
        var beside = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(address.ConnectionString) { Pooling = false, Timeout = LongestWaitSeconds, CommandTimeout = LongestWaitSeconds }.ConnectionString);
        await using (beside.ConfigureAwait(false))
        {
            for (var look = 0; look < Looks; look++)
            {
                // Two connections that are open at once have two sessions, each its own.
                if (await FindBesideAsync(beside, ct).ConfigureAwait(false) is not { } other) return;
                if (other != backend && await BackendAsync(connection, ct).ConfigureAwait(false) == backend) continue;
                throw PostgresErrors.TransactionPooling.Error(
                    $"Between here and the server is a pooler at {address.Host}:{address.Port} that gives each transaction any of its sessions (pgbouncer: pool_mode = transaction).");
            }
        }
    }

    private static async Task<string?> FindBesideAsync(NpgsqlConnection beside, CancellationToken ct)
    {
        try
        {
            if (beside.State != System.Data.ConnectionState.Open) await beside.OpenAsync(ct).ConfigureAwait(false);
            return await BackendAsync(beside, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresFailure.IsOne(e))
        {
            // A pooler that has no second session to give has not lent the first one to others.
            return null;
        }
    }

    private static async Task<string> BackendAsync(NpgsqlConnection connection, CancellationToken ct) =>
        (await PostgresDatabase.RowAsync(connection, FindBackend, ct).ConfigureAwait(false))[0]!;
}
