using System.Globalization;

namespace EsPipeline.Benchmarks;

/// <summary>Elasticsearch to Firestore, against the rate of writes that it is allowed.</summary>
internal sealed class ElasticsearchToFirestore(BenchContext context) : Leg(context)
{
    private const string Variable = "ESPIPE_TEST_ELASTICSEARCH_URL";
    private const string EmulatorVariable = "ESPIPE_TEST_FIRESTORE_HOST";
    private const double Rate = 2000;

    private readonly BenchIndex _index = new(BenchContext.Address(Variable) ?? "", "espipe-bench-firestore", 30_000);
    private int _run;

    public override string Name => "es-firestore";

    public override string Reference => $"{Rate:0} writes/s allowed";

    public override double Aim => 0.98;

    public override long Records => _index.Documents;

    public override string? Missing =>
        BenchContext.Address(Variable) is null ? $"{Variable} is not set"
        : BenchContext.Address(EmulatorVariable) is null ? $"{EmulatorVariable} is not set" : null;

    public override Task PrepareAsync() => _index.CreateAsync();

    public override Task ResetAsync()
    {
        _run++;
        Context.ForgetState();
        return Task.CompletedTask;
    }

    public override CommandText Espipe(bool few) => Copy("--source", "elasticsearch", "--sink", "firestore", "--es-url", _index.Address, "--es-index", _index.Name,
        "--firestore-rate", Rate.ToString(CultureInfo.InvariantCulture), "--firestore-max-rate", Rate.ToString(CultureInfo.InvariantCulture));

    // Firestore keeps fields in the order of their names, which is how the bench's documents have them.
    public override async Task VerifyAsync()
    {
        Context.ForgetState();
        File.Delete(Context.PathOf("back.jsonl"));
        await ProcessRun.OfAsync(Copy("--source", "firestore", "--sink", "jsonl", "--output-file", Context.PathOf("back.jsonl")), Context.Folder);
        UnorderedLines.Verify(Context.PathOf("back.jsonl"), Enumerable.Range(0, (int)_index.Documents).Select(i => BenchIndex.Line(i)));
    }

    public override double Ratio(ProcessRun espipe, ProcessRun? reference) => Records / espipe.Wall / Rate;

    private CommandText Copy(params string[] arguments) =>
        Context.Run([.. arguments, "--firestore-project", "bench", "--firestore-collection", $"run{_run}"]) with
        {
            Environment = new Dictionary<string, string> { ["FIRESTORE_EMULATOR_HOST"] = BenchContext.Address(EmulatorVariable)! },
        };
}
