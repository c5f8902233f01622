using System.Diagnostics;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A server that takes longer over its log than it may be silent: it is waited for, and begins nothing again.</summary>
public sealed class SlowLogTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_is_long_at_its_log_is_waited_for()
    {
        // Its processes are stopped, which one that the environment names may not let us do.
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options, new SourceTuning { Timeout = Patience }, log);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await set.PutAsync([.. Corpus.Plain(1, seed: 2)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);

        // As one is that decodes a transaction of a million rows of other tables.
        var sender = (await server.RowsAsync("SELECT pid::text FROM pg_stat_replication"))[0][0];
        var before = following.Retries;
        await SignalAsync("STOP", sender);
        await set.PutAsync([.. Corpus.Plain(5, seed: 3)], Ct);
        var pass = following.PassAsync(ReadKind.Changes, Ct);
        while (!pass.IsCompleted && log.Lines.Count(l => l.Contains("still reads its log", StringComparison.Ordinal)) < 2) await Task.Delay(20, Ct);
        await SignalAsync("CONT", sender);
        await pass;
        Assert.Equal(before, following.Retries);
        Assert.Equal(sender, (await server.RowsAsync("SELECT pid::text FROM pg_stat_replication"))[0][0]);
        ContentAssert.Same(Corpus.Plain(5, seed: 3).Concat(Corpus.Plain(10).Skip(5)), following.Held);
    }

    private static async Task SignalAsync(string signal, string process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process]);
        await kill.WaitForExitAsync(Ct);
        Assert.Equal(0, kill.ExitCode);
    }
}
