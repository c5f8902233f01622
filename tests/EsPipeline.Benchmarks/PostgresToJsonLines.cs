namespace EsPipeline.Benchmarks;

/// <summary>A table of Postgres to JSON Lines, against psql having the server make the same JSON and throwing it away.</summary>
internal sealed class PostgresToJsonLines(BenchContext context) : Leg(context)
{
    private const string Variable = "ESPIPE_TEST_POSTGRES_URL";
    private const string Many = "espipe_bench_many";
    private const string Few = "espipe_bench_few";

    private readonly string _address = BenchContext.Address(Variable) ?? "";

    public override string Name => "pg-jsonl";

    public override string Reference => "psql, COPY of row_to_json";

    public override double Aim => 1.6;

    public override long Records => 600_000;

    public override long FewRecords => 60_000;

    public override string? Missing => BenchContext.Address(Variable) is null ? $"{Variable} is not set" : null;

    public override CommandText? ReferenceCommand =>
        CommandText.Shell($"psql \"$ADDRESS\" -X -q -c 'COPY (SELECT row_to_json(t) FROM {Many} t) TO STDOUT' > /dev/null") with { Environment = Address };

    // Not among the arguments, which every user of the machine can see.
    private Dictionary<string, string> Address => new() { ["ADDRESS"] = _address, ["PG_URL"] = _address };

    public override async Task PrepareAsync()
    {
        await CreateAsync(Many, Records);
        await CreateAsync(Few, FewRecords);
    }

    public override Task ResetAsync()
    {
        Context.ForgetState();
        File.Delete(Context.PathOf("out.jsonl"));
        return Task.CompletedTask;
    }

    public override CommandText Espipe(bool few) => Context.Run(
        "--source", "postgres", "--sink", "jsonl", "--pg-table", few ? Few : Many, "--output-file", Context.PathOf("out.jsonl")) with { Environment = Address };

    public override async Task VerifyAsync()
    {
        // A SELECT's rows come as they are; COPY would double their backslashes.
        await RunAsync($"psql \"$ADDRESS\" -X -q -A -t -v FETCH_COUNT=10000 -c \"SET timezone = 'UTC'\" -c 'SELECT row_to_json(t) FROM {Many} t' > expected.jsonl");
        UnorderedLines.Verify(Context.PathOf("out.jsonl"), File.ReadLines(Context.PathOf("expected.jsonl")));
    }

    // About 240 bytes of JSON a row, of the types that tables mostly have; text in which something must be escaped; every 20th note null.
    private Task<ProcessRun> CreateAsync(string table, long rows) => RunAsync(
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
        """);

    private Task<ProcessRun> RunAsync(string line) => ProcessRun.OfAsync(CommandText.Shell(line) with { Environment = Address }, Context.Folder);
}
