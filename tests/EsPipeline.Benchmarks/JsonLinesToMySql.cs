namespace EsPipeline.Benchmarks;

/// <summary>JSON Lines to MySQL, against the server's client with the same rows: as statements of many rows, or by <c>LOAD DATA</c>.</summary>
/// <param name="context">What all legs share.</param>
/// <param name="load">True for <c>LOAD DATA</c>.</param>
internal sealed class JsonLinesToMySql(BenchContext context, bool load) : Leg(context)
{
    private readonly BenchTable _table = BenchTable.Named("espipe_bench_write");
    private readonly BenchTable _reference = BenchTable.Named("espipe_bench_reference");

    public override string Name => load ? "jsonl-mysql-load" : "jsonl-mysql";

    public override string Reference => load ? "LOAD DATA" : "mysql < rows.sql";

    public override double Aim => load ? 1.2 : 1.8;

    public override double? AimCpu => 2.0;

    public override long Records => 1_000_000;

    public override long FewRecords => 100_000;

    public override string? Missing => BenchTable.Missing;

    public override CommandText? ReferenceCommand => load ? _reference.Load(Context.PathOf("rows.tsv")) : _reference.Play(Context.PathOf("rows.sql"));

    public override async Task PrepareAsync()
    {
        await MySqlRows.WriteLinesAsync(Context.PathOf("many.jsonl"), Records);
        await MySqlRows.WriteLinesAsync(Context.PathOf("few.jsonl"), FewRecords);
        if (load) await MySqlRows.WriteTextAsync(Context.PathOf("rows.tsv"), Records);
        else await MySqlRows.WriteStatementsAsync(Context.PathOf("rows.sql"), _reference.Name, Records);
    }

    public override async Task ResetAsync()
    {
        Context.ForgetState();
        await _table.CreateAsync(Context.Folder);
        await _reference.CreateAsync(Context.Folder);
    }

    public override CommandText Espipe(bool few) => _table.WithPassword(Context.Run(
        ["--source", "jsonl", "--sink", "mysql", "--jsonl-file", Context.PathOf(few ? "few.jsonl" : "many.jsonl"), .. _table.Options]));

    public override async Task VerifyAsync()
    {
        await ProcessRun.OfAsync(_table.Dump(Context.PathOf("written.tsv"), raw: true), Context.Folder);
        UnorderedLines.Verify(Context.PathOf("written.tsv"), Enumerable.Range(0, (int)Records).Select(i => MySqlRows.Text(i)));
    }
}
