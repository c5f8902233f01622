using System.Diagnostics;
using EsPipeline.Connectors.Tests.Postgres;

namespace EsPipeline.Chaos;

public sealed class PostgresToElasticsearchTests
{
    // How long a run lives: long enough to get somewhere, mostly.
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestLife = TimeSpan.FromSeconds(4);

    [Theory]
    [InlineData("changes")]
    [InlineData("updated-column")]
    public async Task Followed_under_load_and_killed_every_few_seconds_both_ends_are_equal_in_the_end(string way)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var server = await PostgresServer.FindAsync();
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        await using var load = new PostgresLoad(server, removes: way == "changes");
        await load.CreateAsync();
        using var folder = new EspipeFolder();
        string[] arguments =
        [
            "--source", "postgres", "--pg-url", server.Url, "--pg-table", load.Name, "--pg-follow", way, "--pg-updated-column", "updated",
            "--pg-slot", load.Name, "--pg-publication", load.Name, .. copy.Arguments(TestServers.Elasticsearch),
            "--mode", "continuous", "--interval", "200ms", "--checkpoint-interval", "100ms", "--job", "load",
        ];
        var random = new Random(Draws.Seed);
        var (kills, resumes) = (0, 0);
        var loaded = load.RunAsync(Draws.LoadTime);
        while (!loaded.IsCompleted || kills < 3 || resumes == 0)
        {
            using var shortLived = folder.Start(arguments);

            // Where the machine is so slow that none has got anywhere yet, the next one lives longer.
            var life = ShortestLife + (random.NextDouble() * (LongestLife - ShortestLife)) + (resumes == 0 ? kills * ShortestLife : TimeSpan.Zero);
            if (await shortLived.EndsWithinAsync(life))
            {
                var early = await shortLived.EndAsync();
                Assert.Fail($"espipe ended by itself with {early.ExitCode}:\n{early.Said}");
            }

            shortLived.Signal(PosixSignalNumber.Kill);
            await shortLived.EndAsync();
            kills++;
            if (File.Exists(folder.File(".espipe/load/checkpoint.json"))) resumes++;
        }

        await loaded;
        var wanted = (await load.ReadAllAsync()).ToArray();
        using var last = folder.Start(arguments);
        var started = Stopwatch.GetTimestamp();
        IReadOnlyDictionary<string, string> held;
        do
        {
            Assert.False(last.HasEnded, last.ErrorSoFar);
            await Task.Delay(100, ct);
            held = await copy.ReadAllAsync();
        }
        while (!SameEnds.Are(wanted, held) && Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(3));

        last.Signal(PosixSignalNumber.Terminate);
        var run = (await last.EndAsync()).Ended(143);
        Assert.Contains("(balances)", run.Output, StringComparison.Ordinal);
        ContentAssert.Same(wanted, await copy.ReadAllAsync());
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills, {load.Commits} commits, {load.Rollbacks} rollbacks, {wanted.Length} documents");
    }
}
