namespace EsPipeline.Chaos;

public sealed class ContinuousTests
{
    private const int Documents = 500;

    [Fact]
    public async Task Changes_are_followed_through_an_outage_of_either_end_with_one_line_when_it_goes_and_one_when_it_is_back()
    {
        await using var index = await ElasticsearchIndex.CreateAsync(Documents);
        await using var copy = new FirestoreCopy();
        await using var source = TcpProxy.InFrontOf(index.Server);
        await using var sink = TcpProxy.InFrontOf(new Uri("http://" + copy.Host));
        using var folder = new EspipeFolder
        {
            Environment = { ["FIRESTORE_EMULATOR_HOST"] = sink.EndPoint.ToString(), ["POLLING_INTERVAL_SECONDS"] = "1" },
        };
        using var espipe = folder.Start(
            new EspipeStart { Interruptible = true },
            ["--es-url", source.Of(index.Server).ToString(), "--es-index", index.Name, "--mode", "continuous", "--retry-delay", "100ms", .. copy.Arguments]);
        await espipe.UntilErrorAsync("The snapshot is complete");
        ContentAssert.Same(index.Documents, await copy.ReadAllAsync());

        await index.PutAsync(0, 10, "updated");
        await index.PutAsync(Documents, 10, "inserted");
        await UntilSameAsync(espipe, index, copy);

        await source.DownAsync();
        await espipe.UntilErrorAsync("The source elasticsearch is down");
        await index.PutAsync(20, 10, "changed while the source was down");
        source.Up();
        await espipe.UntilErrorAsync("The source elasticsearch is back");
        await UntilSameAsync(espipe, index, copy);

        await sink.DownAsync();
        await index.PutAsync(40, 10, "changed while the sink was down");
        await espipe.UntilErrorAsync("The sink firestore is down");
        sink.Up();
        await espipe.UntilErrorAsync("The sink firestore is back");
        await UntilSameAsync(espipe, index, copy);

        espipe.Signal(PosixSignalNumber.Terminate);
        var run = (await espipe.EndAsync()).Ended(143);
        Assert.Contains("(balances)", run.Output, StringComparison.Ordinal);
        Outages.AreToldOnce(run.Error, "source elasticsearch");
        Outages.AreToldOnce(run.Error, "sink firestore");
    }

    private static Task UntilSameAsync(EspipeProcess espipe, ElasticsearchIndex index, FirestoreCopy copy) =>
        SameEnds.UntilAsync(espipe, [.. index.Documents], copy.ReadAllAsync);
}
