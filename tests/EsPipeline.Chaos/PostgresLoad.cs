using System.Diagnostics;
using EsPipeline.Connectors.Tests.Postgres;
using Npgsql;

namespace EsPipeline.Chaos;

/// <summary>
/// One test's table in the real PostgreSQL, and what an application does to it: transactions of several connections that commit out of order,
/// take long, are rolled back wholly or to a savepoint, and give many rows one time, or one that was taken before they began.
/// </summary>
/// <param name="server">The server.</param>
/// <param name="removes">True where rows are deleted and keys change, too.</param>
internal sealed class PostgresLoad(PostgresServer server, bool removes) : IAsyncDisposable
{
    private const int Writers = 8;
    private const int Keys = 2000;
    private const int FewestCommits = 1000;
    private const int FewestRollbacks = 100;

    private int _commits;
    private int _rollbacks;

    /// <summary>The table, and its replication slot and publication.</summary>
    public string Name { get; } = "load_" + Guid.NewGuid().ToString("N")[..16];

    /// <summary>Transactions that were committed so far.</summary>
    public int Commits => _commits;

    /// <summary>Transactions that were rolled back so far.</summary>
    public int Rollbacks => _rollbacks;

    /// <summary>Makes the table with half of its rows.</summary>
    public async Task CreateAsync()
    {
        await server.ExecuteAsync($"CREATE TABLE {Name} (id text PRIMARY KEY, n bigint, big text, updated timestamptz NOT NULL DEFAULT now())");
        await server.ExecuteAsync($"ALTER TABLE {Name} ALTER big SET STORAGE EXTERNAL");
        await server.ExecuteAsync($"CREATE INDEX ON {Name} (updated)");
        await server.ExecuteAsync($"INSERT INTO {Name} SELECT 'k' || i, i, repeat('x', i % 4000) FROM generate_series(0, {Keys - 1}, 2) i");
    }

    private bool IsEnough => _commits > FewestCommits && _rollbacks > FewestRollbacks;

    /// <summary>Works for so long, and until it has done enough to count as load, however slow the machine is.</summary>
    public Task RunAsync(TimeSpan time) => Task.WhenAll(Enumerable.Range(0, Writers).Select(n => WriteAsync(new Random(Draws.Seed + n), time)));

    /// <summary>The table's documents now, made by the server.</summary>
    public async Task<IEnumerable<Document>> ReadAllAsync() =>
        (await server.RowsAsync($"SELECT id, row_to_json(t)::text FROM {Name} t")).Select(r => new Document(r[0], r[1]));

    public async ValueTask DisposeAsync()
    {
        await server.DropSlotAsync(Name);
        await server.ExecuteAsync($"DROP TABLE {Name}");
    }

    private async Task WriteAsync(Random random, TimeSpan time)
    {
        var started = Stopwatch.GetTimestamp();
        await using var connection = await server.Pool.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(connection, "SET lock_timeout = '30ms'");
        while (Stopwatch.GetElapsedTime(started) < time || !IsEnough)
        {
            await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            try
            {
                for (var steps = random.Next(1, 4); steps > 0; steps--) await ExecuteAsync(connection, Step(random));
                if (random.Next(60) == 0) await Task.Delay(random.Next(2500), TestContext.Current.CancellationToken);
                if (random.Next(10) > 0)
                {
                    await transaction.CommitAsync(TestContext.Current.CancellationToken);
                    Interlocked.Increment(ref _commits);
                    continue;
                }
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.UniqueViolation)
            {
                // Two of the writers met: one of them gives way, as applications do.
            }

            await transaction.RollbackAsync(TestContext.Current.CancellationToken);
            Interlocked.Increment(ref _rollbacks);
        }
    }

    private string Step(Random random)
    {
        var keys = string.Join(", ", Enumerable.Range(0, random.Next(1, 6)).Select(_ => $"('k{random.Next(Keys)}')").Distinct().Order(StringComparer.Ordinal));

        // The time at which the transaction began; or one that the application took half a second before; or the present.
        var updated = random.Next(3) switch { 0 => "now() - interval '500 milliseconds'", 1 => "clock_timestamp()", _ => "now()" };
        var from = random.Next(Keys);
        var put = $"""
            INSERT INTO {Name} SELECT v, {random.Next()}, {(random.Next(20) == 0 ? $"repeat('{(char)('a' + random.Next(26))}', 20000)" : "'small'")}, {updated}
            FROM (VALUES {keys}) q(v) ORDER BY v ON CONFLICT (id) DO UPDATE SET n = excluded.n, updated = excluded.updated
            """;
        return random.Next(removes ? 16 : 12) switch
        {
            0 => $"UPDATE {Name} SET n = n + 1, updated = {updated} WHERE n % 40 = {random.Next(40)}",
            1 => $"SAVEPOINT s; {put}; ROLLBACK TO s",
            2 => $"SAVEPOINT s; {put}; RELEASE s",
            12 or 13 => $"DELETE FROM {Name} WHERE id IN (SELECT v FROM (VALUES {keys}) q(v))",
            14 => $"DELETE FROM {Name} WHERE id BETWEEN 'k{from}' AND 'k{from}5'",
            15 => $"UPDATE {Name} SET id = id || '-', updated = {updated} WHERE id = 'k{from}'; UPDATE {Name} SET id = rtrim(id, '-'), updated = {updated} WHERE id LIKE '%-' AND n % 3 = 0",
            _ => put,
        };
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
