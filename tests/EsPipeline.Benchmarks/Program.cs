using EsPipeline.Benchmarks;

// espipe-bench ESPIPE [--pairs N] [--json FILE] [LEG ...]: measures the legs named, or all that can be measured here.
var arguments = new Queue<string>(args);
var espipe = Path.GetFullPath(arguments.Dequeue());
var (pairs, json, wanted) = (7, (string?)null, new List<string>());
while (arguments.TryDequeue(out var argument))
{
    if (argument == "--pairs") pairs = int.Parse(arguments.Dequeue());
    else if (argument == "--json") json = arguments.Dequeue();
    else wanted.Add(argument);
}

var folder = Directory.CreateTempSubdirectory("espipe-bench-");
try
{
    var context = new BenchContext(espipe, folder.FullName);
    Leg[] legs =
    [
        new CsvToJsonLines(context),
        new ElasticsearchToJsonLines(context, readers: 1),
        new ElasticsearchToJsonLines(context, readers: 2),
        new ElasticsearchToFirestore(context),
        new JsonLinesToElasticsearch(context, curls: 1),
        new JsonLinesToElasticsearch(context, curls: 2),
        new ElasticsearchToMySql(context),
        new JsonLinesToMySql(context, load: false),
        new JsonLinesToMySql(context, load: true),
        new MySqlToJsonLines(context),
        new PostgresToJsonLines(context),
        new PostgresToElasticsearch(context),
        new PostgresChanges(context),
    ];
    if (wanted.Except(legs.Select(l => l.Name)).ToArray() is { Length: > 0 } unknown)
    {
        Console.Error.WriteLine($"There is no leg {string.Join(", ", unknown)}; there are {string.Join(", ", legs.Select(l => l.Name))}.");
        return 2;
    }

    var results = new List<LegResult>();
    foreach (var leg in legs.Where(l => wanted.Count == 0 || wanted.Contains(l.Name)))
    {
        if (leg.Missing is { } missing) Console.Error.WriteLine($"{leg.Name}: left out, {missing}");
        else results.Add(await LegResult.MeasureAsync(leg, pairs, folder.FullName, Console.Error));
    }

    Console.WriteLine(LegResult.Table(results));
    if (json is not null) await File.WriteAllTextAsync(json, LegResult.Json(results));
    return 0;
}
finally
{
    folder.Delete(recursive: true);
}
