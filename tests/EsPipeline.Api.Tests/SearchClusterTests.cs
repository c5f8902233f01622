using EsPipeline.Connectors.Elasticsearch;

namespace EsPipeline.Api.Tests;

/// <summary>What many callers at once may take of this process and of the search server.</summary>
public sealed class SearchClusterTests(SearchServer search)
{
    [Fact]
    public async Task Only_a_few_large_answers_are_held_at_once_and_small_ones_do_not_wait_for_them()
    {
        var index = await search.CreateIndexAsync("""{"properties":{"n":{"type":"integer"},"t":{"type":"keyword","index":false,"doc_values":false}}}""", [$$"""{"n":1,"t":"{{new string('x', 2 << 20)}}"}"""]);
        using var cluster = new SearchCluster(new ElasticsearchSearchOptions { Url = (await search.FindAsync()).Address.ToString() }, TimeProvider.System);
        var held = new List<ClusterAnswer>();
        for (var i = 0; i < 8; i++) held.Add(await LargeAsync());
        var ninth = LargeAsync();
        using (await cluster.AskAsync(HttpMethod.Get, "", null, SearchServer.Ct)) Assert.False(ninth.IsCompleted);
        held[0].Dispose();
        (await ninth).Dispose();
        held.ForEach(h => h.Dispose());
        for (var i = 0; i < 20; i++) (await LargeAsync()).Dispose();

        Task<ClusterAnswer> LargeAsync() => cluster.AskAsync(HttpMethod.Get, $"{index}/_search", null, SearchServer.Ct);
    }

    [Fact]
    public async Task A_caller_who_keeps_what_he_has_leaves_turns_for_others()
    {
        var index = await search.CreateIndexAsync("""{"properties":{"n":{"type":"integer"},"t":{"type":"keyword","index":false,"doc_values":false}}}""", [$$"""{"n":1,"t":"{{new string('x', 2 << 20)}}"}"""]);
        var caller = new CurrentCaller { Name = "slow" };
        using var cluster = new SearchCluster(new ElasticsearchSearchOptions { Url = (await search.FindAsync()).Address.ToString() }, TimeProvider.System, caller);
        List<ClusterAnswer> held = [await AskAsync($"{index}/_search"), await AskAsync($"{index}/_search")];
        var third = AskAsync($"{index}/_search");
        for (var i = 0; i < 13; i++) held.Add(await AskAsync(""));
        var more = AskAsync("");
        caller.Name = "other";
        using (await AskAsync($"{index}/_search")) Assert.False(third.IsCompleted);
        for (var i = 0; i < 16; i++) held.Add(await AskAsync(""));
        Assert.False(more.IsCompleted);
        held.ForEach(h => h.Dispose());
        (await third).Dispose();
        (await more).Dispose();

        Task<ClusterAnswer> AskAsync(string path) => cluster.AskAsync(HttpMethod.Get, path, null, SearchServer.Ct);
    }

    [Fact]
    public async Task What_has_become_old_is_asked_for_by_one_caller_while_the_others_take_the_old()
    {
        var clock = new Clock();
        var recent = new Recent<string>(TimeSpan.FromSeconds(3), clock);
        var (asked, answer) = (0, new TaskCompletionSource<string>());
        Task<string> AskAsync(CancellationToken ct)
        {
            asked++;
            return answer.Task;
        }

        answer.SetResult("first");
        Assert.Equal("first", await recent.FindAsync(AskAsync, SearchServer.Ct));
        Assert.Equal("first", await recent.FindAsync(AskAsync, SearchServer.Ct));
        Assert.Equal(1, asked);

        clock.Now += TimeSpan.FromSeconds(4);
        answer = new TaskCompletionSource<string>();
        var asking = recent.FindAsync(AskAsync, SearchServer.Ct).AsTask();
        for (var i = 0; i < 10; i++) Assert.Equal("first", await recent.FindAsync(AskAsync, SearchServer.Ct));
        Assert.Equal(2, asked);
        answer.SetResult("second");
        Assert.Equal("second", await asking);
        Assert.Equal("second", await recent.FindAsync(AskAsync, SearchServer.Ct));

        // One that fails changes nothing, and the next asks again; what is too old is not taken at all.
        clock.Now += TimeSpan.FromSeconds(4);
        answer = new TaskCompletionSource<string>();
        answer.SetException(new IOException());
        await Assert.ThrowsAsync<IOException>(() => recent.FindAsync(AskAsync, SearchServer.Ct).AsTask());
        await Assert.ThrowsAsync<IOException>(() => recent.FindAsync(AskAsync, SearchServer.Ct).AsTask());
        clock.Now += TimeSpan.FromSeconds(4);
        answer = new TaskCompletionSource<string>();
        Task<string>[] two = [recent.FindAsync(AskAsync, SearchServer.Ct).AsTask(), recent.FindAsync(AskAsync, SearchServer.Ct).AsTask()];
        answer.SetResult("third");
        Assert.Equal(["third", "third"], await Task.WhenAll(two));
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
