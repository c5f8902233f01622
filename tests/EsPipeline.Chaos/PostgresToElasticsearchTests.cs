using System.Diagnostics;
using EsPipeline.Connectors.Tests.Postgres;

namespace EsPipeline.Chaos;

public sealed class PostgresToElasticsearchTests
{
    // How long a run lives: long enough to get somewhere, mostly.
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestLife = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan LongestCatchingUp = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData("changes")]
    [InlineData("updated-column")]
    public async Task Followed_under_load_and_killed_every_few_seconds_both_ends_are_equal_in_the_end(string way)
    {
        await using var server = await PostgresServer.FindAsync();
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        await using var load = new PostgresLoad(server, removes: way == "changes");
        await load.CreateAsync();
        using var folder = new EspipeFolder();
        var arguments = Arguments(server, load, copy, way);
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
        using var last = folder.Start(arguments);
        await CatchesUpAsync(last, load, copy, $"{kills} kills");
    }

    [Theory]
    [InlineData("changes")]
    [InlineData("updated-column")]
    public async Task Followed_under_load_by_one_run_from_beginning_to_end_both_ends_are_equal(string way)
    {
        await using var server = await PostgresServer.FindAsync();
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        await using var load = new PostgresLoad(server, removes: way == "changes");
        await load.CreateAsync();
        using var folder = new EspipeFolder();
        using var espipe = folder.Start(Arguments(server, load, copy, way));
        await espipe.UntilErrorAsync("The snapshot is complete");
        await load.RunAsync(Draws.LoadTime);
        var run = await CatchesUpAsync(espipe, load, copy, "one run");
        Assert.Empty(run.Complaints);
    }

    private static string[] Arguments(PostgresServer server, PostgresLoad load, ElasticsearchCopy copy, string way) =>
    [
        "--source", "postgres", "--pg-url", server.Url, "--pg-table", load.Name, "--pg-follow", way, "--pg-updated-column", "updated",
        .. way == "changes" ? (string[])["--pg-slot", load.Name, "--pg-publication", load.Name] : [], .. copy.Arguments(TestServers.Elasticsearch),
        "--mode", "continuous", "--interval", "200ms", "--checkpoint-interval", "100ms", "--job", "load",
    ];

    // After the load: waits until both ends are equal, and ends the run in good order.
    private static async Task<EspipeResult> CatchesUpAsync(EspipeProcess espipe, PostgresLoad load, ElasticsearchCopy copy, string what)
    {
        var wanted = (await load.ReadAllAsync()).ToArray();
        var started = Stopwatch.GetTimestamp();
        while (!SameEnds.Are(wanted, await copy.ReadAllAsync()) && Stopwatch.GetElapsedTime(started) < LongestCatchingUp)
        {
            Assert.False(espipe.HasEnded, espipe.ErrorSoFar);
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        var took = Stopwatch.GetElapsedTime(started);

        // Where the run before was killed with everything done, this one may not have got as far as to hear signals.
        await espipe.UntilErrorAsync("Job load:");
        espipe.Signal(PosixSignalNumber.Terminate);
        var run = (await espipe.EndAsync()).Ended(143);
        Assert.Contains("(balances)", run.Output, StringComparison.Ordinal);
        ContentAssert.Same(wanted, await copy.ReadAllAsync());
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{what}: {load.Commits} commits, {load.Rollbacks} rollbacks, {wanted.Length} documents, equal {took.TotalSeconds:0.0} s after the load\n{run.Output}");
        return run;
    }
}
