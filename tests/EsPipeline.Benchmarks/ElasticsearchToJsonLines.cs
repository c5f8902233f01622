namespace EsPipeline.Benchmarks;

/// <summary>Elasticsearch to JSON Lines, against curl asking for the same pages and throwing the answers away.</summary>
/// <param name="context">What all legs share.</param>
/// <param name="readers">Readers of espipe, and curls at once.</param>
internal sealed class ElasticsearchToJsonLines(BenchContext context, int readers) : Leg(context)
{
    private const int PageSize = 10_000;

    private readonly BenchIndex _many = new(BenchContext.Address(Variable) ?? "", "espipe-bench-many", 1_000_000);
    private readonly BenchIndex _few = new(BenchContext.Address(Variable) ?? "", "espipe-bench-few", 100_000);

    private const string Variable = "ESPIPE_TEST_ELASTICSEARCH_URL";

    public override string Name => readers == 1 ? "es-jsonl" : $"es-jsonl-{readers}";

    public override string Reference => readers == 1 ? "curl, same pages" : $"{readers} curls, same pages";

    public override double Aim => readers == 1 ? 0.90 : 0.60;

    public override double? AimCpu => 2.5;

    public override long Records => _many.Documents;

    public override long FewRecords => _few.Documents;

    public override string? Missing => BenchContext.Address(Variable) is null ? $"{Variable} is not set" : null;

    public override CommandText? ReferenceCommand => CommandText.Shell(readers == 1
        ? $"curl -K {Pages(0)} -K {Pages(1)}"
        : $"curl -K {Pages(0)} & first=$!; curl -K {Pages(1)} && wait $first");

    public override async Task PrepareAsync()
    {
        await _many.CreateAsync();
        await _few.CreateAsync();
    }

    public override async Task ResetAsync()
    {
        Context.ForgetState();
        File.Delete(Context.PathOf("out.jsonl"));
        for (var shard = 0; shard < BenchIndex.Shards; shard++) await _many.WritePagesAsync(shard, PageSize, Pages(shard));
        if (readers == 1) await File.WriteAllTextAsync(Pages(1), "next\n" + await File.ReadAllTextAsync(Pages(1)));
    }

    public override CommandText Espipe(bool few) => Context.Run(
        "--source", "elasticsearch", "--sink", "jsonl", "--es-url", _many.Address, "--es-index", (few ? _few : _many).Name,
        "--threads", $"{readers}", "--output-file", Context.PathOf("out.jsonl"));

    public override Task VerifyAsync()
    {
        UnorderedLines.Verify(Context.PathOf("out.jsonl"), Enumerable.Range(0, (int)_many.Documents).Select(i => BenchIndex.Line(i)));
        return Task.CompletedTask;
    }

    private string Pages(int shard) => Context.PathOf($"pages-{shard}.curl");
}
