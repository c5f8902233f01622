using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Xunit;

namespace EsPipeline.Conformance;

/// <summary>What a sink promises besides that is gone back to its token instead of writing by key.</summary>
public abstract class ResumableSinkConformance : SinkConformance
{
    /// <summary>Takes away or spoils what was written, so that no token stands for it any more.</summary>
    protected abstract Task SpoilAsync(SinkTarget target, CancellationToken ct);

    [Fact]
    public virtual async Task Going_back_to_a_token_forgets_exactly_what_came_after_it()
    {
        Document[] documents = [.. Corpus.Plain(400)];
        await using var target = await CreateAsync(Ct);
        string? token;
        await using (var sink = (IResumableSink)await OpenAsync(target))
        {
            await WriteAllAsync(sink, documents[..100]);
            await WriteAllAsync(sink, documents[100..200]);
            token = await sink.FlushAsync(Ct);
            await WriteAllAsync(sink, documents[250..300]);
        }

        await using (var resumed = (IResumableSink)await ReopenAsync(target, token))
        {
            await WriteAllAsync(resumed, documents[200..300]);
            await FinishAsync(resumed);
        }

        ContentAssert.Same(documents[..300].Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task A_token_may_be_gone_back_to_again_and_again()
    {
        Document[] documents = [.. Corpus.Plain(100)];
        await using var target = await CreateAsync(Ct);
        await using (var sink = (IResumableSink)await OpenAsync(target))
        {
            await WriteAllAsync(sink, documents[..50]);
            var token = await sink.FlushAsync(Ct);
            for (var i = 0; i < 3; i++)
            {
                await WriteAllAsync(sink, documents[60..80]);
                Assert.True(await sink.RestoreAsync(token, Ct));
                await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: false, Ct);
                Assert.Equal(token, await sink.FlushAsync(Ct));
            }

            await WriteAllAsync(sink, documents[50..]);
            await FinishAsync(sink);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task Beginning_anew_forgets_everything()
    {
        await using var target = await CreateAsync(Ct);
        Document[] documents = [.. Corpus.Plain(30)];
        await using (var sink = await OpenAsync(target)) await WriteAllAsync(sink, Corpus.Plain(100).Skip(50).ToArray());
        await using (var sink = await OpenAsync(target))
        {
            await WriteAllAsync(sink, documents);
            await FinishAsync(sink);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task Changes_are_there_as_soon_as_they_are_saved_also_after_a_snapshot_of_nothing()
    {
        Document[] documents = [.. Corpus.Plain(20)];
        await using var target = await CreateAsync(Ct);
        string? token;
        await using (var sink = (IResumableSink)await OpenAsync(target))
        {
            await sink.CompleteAsync(Ct);
            await sink.BeginPassAsync(ReadKind.Changes, uniqueKeys: false, Ct);
            await WriteAllAsync(sink, documents[..5]);
            token = await sink.FlushAsync(Ct);
            ContentAssert.Same(documents[..5].Select(target.Expected), await target.ReadAllAsync(Ct));
        }

        await using var resumed = (IResumableSink)await ReopenAsync(target, token, ReadKind.Changes);
        await WriteAllAsync(resumed, documents[5..]);
        Assert.NotNull(await resumed.FlushAsync(Ct));
        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task A_token_of_what_is_not_there_any_more_is_told_so()
    {
        await using var target = await CreateAsync(Ct);
        string? token;
        await using (var sink = (IResumableSink)await OpenAsync(target))
        {
            await WriteAllAsync(sink, Corpus.Plain(50).ToArray());
            token = await sink.FlushAsync(Ct);
        }

        await SpoilAsync(target, Ct);
        await using var resumed = (IResumableSink)target.Open(new SinkKnobs());
        await resumed.PrepareAsync(target.Schema, Ct);
        Assert.False(await resumed.RestoreAsync(token, Ct));
    }

    /// <summary>Opens the sink as a new process would that goes on from a checkpoint.</summary>
    protected static async Task<IDataSink> ReopenAsync(SinkTarget target, string? token, ReadKind kind = ReadKind.Snapshot)
    {
        var sink = (IResumableSink)target.Open(new SinkKnobs());
        await sink.PrepareAsync(target.Schema, Ct);
        Assert.True(await sink.RestoreAsync(token, Ct));
        await sink.BeginPassAsync(kind, uniqueKeys: false, Ct);
        return sink;
    }
}
