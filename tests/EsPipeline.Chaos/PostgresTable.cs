using EsPipeline.Connectors.Tests.Postgres;

namespace EsPipeline.Chaos;

/// <summary>One test's table in the real PostgreSQL, spoken to without any of the code under test; gone when the test is.</summary>
internal sealed class PostgresTable(PostgresServer server) : IAsyncDisposable
{
    /// <summary>Its name, and that of its replication slot and publication, where it has them.</summary>
    public string Name { get; } = "chaos_" + Guid.NewGuid().ToString("N")[..16];

    /// <summary>The options of a source that reads it.</summary>
    public string[] Source => SourceAt(server.Url);

    /// <summary>The options of a sink that writes it.</summary>
    public string[] Sink => ["--sink", "postgres", "--pg-url", server.Url, "--pg-table", Name];

    /// <summary>The options of a source that reads it at another address.</summary>
    public string[] SourceAt(string url) => ["--source", "postgres", "--pg-url", url, "--pg-table", Name];

    /// <summary>Makes it with so many rows.</summary>
    public async Task CreateAsync(int rows)
    {
        await server.ExecuteAsync($"CREATE TABLE {Name} (id int PRIMARY KEY, code text NOT NULL, word text, updated timestamptz NOT NULL DEFAULT now())");
        await PutAsync(0, rows, "first");
    }

    /// <summary>Inserts rows, or changes those that are there.</summary>
    public Task PutAsync(int from, int count, string word) => server.ExecuteAsync(
        $"INSERT INTO {Name} SELECT i, (i * 7)::text, '{word} ' || i FROM generate_series({from}, {from + count - 1}) i ON CONFLICT (id) DO UPDATE SET word = excluded.word, updated = clock_timestamp()");

    /// <summary>Runs a statement; <c>{0}</c> in it is the table.</summary>
    public Task ExecuteAsync(string sql) => server.ExecuteAsync(string.Format(null, sql, Name));

    /// <summary>Its rows as documents, made by the server.</summary>
    public async Task<Document[]> DocumentsAsync() =>
        [.. (await server.RowsAsync($"SELECT id::text, row_to_json(t)::text FROM {Name} t")).Select(r => new Document(r[0], r[1]))];

    /// <summary>What a sink has written there, as keys and documents; nothing where there is no table yet.</summary>
    public async Task<IReadOnlyDictionary<string, string>> WrittenAsync() =>
        (await server.RowsAsync($"SELECT id, content::text FROM {Name}")).ToDictionary(r => r[0], r => r[1]);

    public async ValueTask DisposeAsync()
    {
        // Connections of before a crash may be left.
        server.Pool.Clear();
        await server.DropSlotAsync(Name);
        await server.ExecuteAsync($"DROP TABLE IF EXISTS {Name}");
    }
}
