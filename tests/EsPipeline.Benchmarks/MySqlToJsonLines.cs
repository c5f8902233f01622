namespace EsPipeline.Benchmarks;

/// <summary>MySQL to JSON Lines, against the server's client writing the same rows to a file as they come.</summary>
/// <remarks>
/// A million rows: of 200,000 the client is done in half a second, of which starting espipe takes 0.2 s, so that the leg would say more of
/// starting than of reading.
/// </remarks>
internal sealed class MySqlToJsonLines(BenchContext context) : Leg(context)
{
    private readonly BenchTable _many = BenchTable.Named("espipe_bench_many");
    private readonly BenchTable _few = BenchTable.Named("espipe_bench_few");

    public override string Name => "mysql-jsonl";

    public override string Reference => "mysql -B -q";

    public override double Aim => 3.0;

    public override double? AimCpu => 2.0;

    public override long Records => 1_000_000;

    public override long FewRecords => 100_000;

    public override string? Missing => BenchTable.Missing;

    public override CommandText? ReferenceCommand => _many.Dump(Context.PathOf("reference.tsv"));

    public override async Task PrepareAsync()
    {
        await FillAsync(_many, Records);
        await FillAsync(_few, FewRecords);
    }

    public override Task ResetAsync()
    {
        Context.ForgetState();
        File.Delete(Context.PathOf("out.jsonl"));
        return Task.CompletedTask;
    }

    public override CommandText Espipe(bool few)
    {
        var table = few ? _few : _many;
        return table.WithPassword(Context.Run(["--source", "mysql", "--sink", "jsonl", "--output-file", Context.PathOf("out.jsonl"), .. table.Options]));
    }

    public override Task VerifyAsync()
    {
        UnorderedLines.Verify(Context.PathOf("out.jsonl"), Enumerable.Range(0, (int)Records).Select(i => BenchIndex.Line(i)));
        return Task.CompletedTask;
    }

    private async Task FillAsync(BenchTable table, long rows)
    {
        await MySqlRows.WriteTextAsync(Context.PathOf("rows.tsv"), rows);
        await table.CreateAsync(Context.Folder);
        await table.LoadAsync(Context.PathOf("rows.tsv"), Context.Folder);
    }
}
