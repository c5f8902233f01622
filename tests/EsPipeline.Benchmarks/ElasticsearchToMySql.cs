namespace EsPipeline.Benchmarks;

/// <summary>Elasticsearch to MySQL, against curl asking for the same pages and then the server's client with statements of the same rows, made beforehand.</summary>
/// <param name="context">What all legs share.</param>
internal sealed class ElasticsearchToMySql(BenchContext context) : Leg(context)
{
    private const string Variable = "ESPIPE_TEST_ELASTICSEARCH_URL";
    private const int PageSize = 10_000;

    private readonly BenchIndex _many = new(BenchContext.Address(Variable) ?? "", "espipe-bench-rows", 300_000);
    private readonly BenchIndex _few = new(BenchContext.Address(Variable) ?? "", "espipe-bench-few-rows", 30_000);
    private readonly BenchTable _table = BenchTable.Named("espipe_bench_copy");
    private readonly BenchTable _reference = BenchTable.Named("espipe_bench_reference");

    public override string Name => "es-mysql";

    public override string Reference => "curl, same pages, then mysql < rows.sql";

    public override double Aim => 1.8;

    public override long Records => _many.Documents;

    public override long FewRecords => _few.Documents;

    public override string? Missing => BenchContext.Address(Variable) is null ? $"{Variable} is not set" : BenchTable.Missing;

    public override CommandText? ReferenceCommand => _reference.WithPassword(
        CommandText.Shell($"curl -K {Pages(0)} -K {Pages(1)} && {_reference.Play(Context.PathOf("rows.sql")).Arguments[^1]}"));

    public override async Task PrepareAsync()
    {
        await _many.CreateAsync();
        await _few.CreateAsync();
        await MySqlRows.WriteStatementsAsync(Context.PathOf("rows.sql"), _reference.Name, Records, BenchIndex.Document);
    }

    public override async Task ResetAsync()
    {
        Context.ForgetState();
        for (var shard = 0; shard < BenchIndex.Shards; shard++) await _many.WritePagesAsync(shard, PageSize, Pages(shard));
        await File.WriteAllTextAsync(Pages(1), "next\n" + await File.ReadAllTextAsync(Pages(1)));
        await _table.CreateAsync(Context.Folder);
        await _reference.CreateAsync(Context.Folder);
    }

    public override CommandText Espipe(bool few) => _table.WithPassword(Context.Run(
        ["--source", "elasticsearch", "--sink", "mysql", "--es-url", _many.Address, "--es-index", (few ? _few : _many).Name, "--threads", "5", .. _table.Options]));

    public override async Task VerifyAsync()
    {
        await ProcessRun.OfAsync(_table.Dump(Context.PathOf("written.tsv"), raw: true), Context.Folder);
        UnorderedLines.Verify(Context.PathOf("written.tsv"), Enumerable.Range(0, (int)Records).Select(i => $"{BenchIndex.Key(i)}\t{BenchIndex.Document(i)}"));
    }

    private string Pages(int shard) => Context.PathOf($"pages-{shard}.curl");
}
