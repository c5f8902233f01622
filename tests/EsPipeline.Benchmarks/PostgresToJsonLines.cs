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

    public override long Records => 1_000_000;

    public override long FewRecords => 100_000;

    public override string? Missing => BenchContext.Address(Variable) is null ? $"{Variable} is not set" : null;

    public override CommandText? ReferenceCommand =>
        CommandText.Shell($"psql \"$ADDRESS\" -X -q -c 'COPY (SELECT row_to_json(t) FROM {Many} t) TO STDOUT' > /dev/null") with { Environment = Address };

    // Not among the arguments, which every user of the machine can see.
    private Dictionary<string, string> Address => new() { ["ADDRESS"] = _address, ["PG_URL"] = _address };

    public override async Task PrepareAsync()
    {
        await RunAsync(PostgresRows.Create(Many, Records));
        await RunAsync(PostgresRows.Create(Few, FewRecords));
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

    private Task<ProcessRun> RunAsync(string line) => ProcessRun.OfAsync(CommandText.Shell(line) with { Environment = Address }, Context.Folder);
}
