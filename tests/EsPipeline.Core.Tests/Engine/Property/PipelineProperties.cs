using System.Globalization;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>
/// The engine's whole promise, over a thousand worlds: whatever fails and whenever the process is killed, in the end no key is lost, none
/// is stale, the account balances, the dead letters are exactly what was refused, no checkpoint was ever ahead of the sink, and memory kept
/// its bound.
/// </summary>
public sealed class PipelineProperties
{
    private const int Worlds = 1000;
    private const int MostFailures = 5;

    [Fact]
    public async Task Whatever_fails_and_whenever_it_is_killed_nothing_is_lost_stale_or_doubled()
    {
        var seeds = Number("ESPIPE_TEST_SEED") is { } replay ? [replay] : Enumerable.Range(1, Number("ESPIPE_TEST_WORLDS") ?? Worlds);
        using var folder = TemporaryFolder.InMemory();
        var failures = new List<string>();
        foreach (var seed in seeds)
        {
            var world = new World(seed);
            var place = folder.File(seed.ToString(CultureInfo.InvariantCulture));
            Directory.CreateDirectory(place);
            var violations = await new WorldRun(world, place).RunAsync().WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            Directory.Delete(place, recursive: true);
            if (violations.Count == 0) continue;
            failures.Add($"{world}\n  {string.Join("\n  ", violations.Take(5))}");
            if (failures.Count == MostFailures) break;
        }

        Assert.True(failures.Count == 0, $"ESPIPE_TEST_SEED=N repeats one world alone.\n{string.Join('\n', failures)}");
    }

    private static int? Number(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
