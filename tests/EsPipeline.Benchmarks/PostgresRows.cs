namespace EsPipeline.Benchmarks;

/// <summary>A table of Postgres whose rows make about 240 bytes of JSON each, of the types that tables mostly have; text in which something must be escaped; every 20th note null.</summary>
internal static class PostgresRows
{
    /// <summary>A shell line that makes it anew; $ADDRESS says where.</summary>
    public static string Create(string table, long rows) =>
        $"""
        psql "$ADDRESS" -X -q -v ON_ERROR_STOP=1 <<'END'
        SET client_min_messages = warning;
        DROP TABLE IF EXISTS {table};
        CREATE TABLE {table} (id bigint PRIMARY KEY, name text NOT NULL, email varchar(80), amount numeric(12,2), ratio double precision,
          active boolean, created timestamptz, day date, note text);
        INSERT INTO {table} SELECT i, 'Person ' || i % 1000, 'person.' || i % 1000 || '@example.org', (i % 1000000) / 100.0, (i % 997) / 8.0,
          i % 3 = 0, timestamptz '2024-01-01 00:00:00+00' + i * interval '1.000013 s', date '2020-01-01' + i % 1500,
          CASE WHEN i % 20 <> 0 THEN 'some note "number" ' || i % 97 || ' that goes on for a while, and then on' END
          FROM generate_series(1, {rows}) i;
        VACUUM ANALYZE {table};
        END
        """;
}
