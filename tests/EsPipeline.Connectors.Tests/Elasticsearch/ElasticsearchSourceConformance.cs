using EsPipeline.Conformance;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What both servers have in common.</summary>
public abstract class SearchSourceConformance(SharedServers servers, ServerKind kind) : SourceConformance
{
    protected override IReadOnlyList<string> RecordedPositions { get; } =
    [
        "es1:3q2ITrU_RvyTnEYb6GhnqA:follow:0:q1Vwsd3xT3iDyTCvJ8N2Lw:-:41",
        "es1:3q2ITrU_RvyTnEYb6GhnqA:time:0:q1Vwsd3xT3iDyTCvJ8N2Lw:1700000000000:-:-1",
        "es1:3q2ITrU_RvyTnEYb6GhnqA:slice:0:2:-:1700000000000:end",
        "es1:3q2ITrU_RvyTnEYb6GhnqA:range:0:q1Vwsd3xT3iDyTCvJ8N2Lw:99:1700000000000:-1:*:end",
        "es1:3q2ITrU_RvyTnEYb6GhnqA:range:0:q1Vwsd3xT3iDyTCvJ8N2Lw:99:-:-1:49:20",
    ];

    // The servers take some minutes to be filled with a million.
    protected override int ManyRecords => 200_000;

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await IndexDataSet.SeedAsync(await servers.OfAsync(kind, ct), documents, partitions, ct);

    // An _id has at most 512 bytes.
    protected override bool CanHold(Document document) => document.KeyBytes.Length <= 512;

    [Fact(DisplayName = "Deletes: what was deleted can't be searched for, so changes leave it as it was, and show everything else")]
    public override async Task Changes_show_deletes()
    {
        await using var set = (IndexDataSet)await SeedAsync([.. Corpus.Plain(100)], 2, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 2, Ct);
        await set.Index.DeleteAsync(Enumerable.Range(20, 30).Select(Corpus.PlainKey), refresh: false);
        await set.PutAsync([.. Corpus.Plain(10, seed: 2)], Ct);
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        Assert.Equal(10, changes.Records.Count());
        ContentAssert.Same(Corpus.Plain(10, seed: 2).Concat(Corpus.Plain(100).Skip(10)).Select(set.Expected), changes.Apply(snapshot.Apply()));
    }

    [Fact(DisplayName = "A record committed late: there are no transactions; what a refresh has not shown yet when it is looked for is not missed")]
    public override async Task A_record_that_is_committed_late_is_not_missed()
    {
        await using var set = (IndexDataSet)await SeedAsync([.. Corpus.Plain(50)], 1, Ct);
        await set.Index.SendAsync(HttpMethod.Put, "/_settings", """{"index.refresh_interval":"-1"}""");
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        var held = snapshot.Apply();
        var saved = snapshot.Saved;
        for (var i = 0; i < 5; i++)
        {
            await set.PutAsync([.. Corpus.Plain(60 + (10 * i)).Skip(50 + (10 * i))], Ct);
            var changes = await SourceReader.ReadChangesAsync(set, saved, Ct);
            (held, saved) = (changes.Apply(held), changes.Saved);
        }

        ContentAssert.Same(Corpus.Plain(100).Select(set.Expected), held);
    }

    [Fact(DisplayName = "A malformed record: the servers hold none; an _id that is no text, put into their answer by the test, is told with its place")]
    public override async Task A_malformed_record_is_told_with_its_place_and_the_rest_is_read()
    {
        await using var set = (IndexDataSet)await SeedAsync([.. Corpus.Plain(50)], 1, Ct);
        await using var proxy = new AnswerProxy(set.Index.Server)
        {
            Change = (path, answer) => path.Contains("_search", StringComparison.Ordinal)
                ? ProxiedAnswer.Json(answer.Status, answer.Text.Replace($"\"_id\":\"{Corpus.PlainKey(17)}\"", "\"_id\":\"\\ud800\"", StringComparison.Ordinal))
                : answer,
        };
        await using var source = set.Open(new SourceKnobs { PageSize = 20 }, proxy.Address);
        var reading = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct, null);
        var malformed = Assert.Single(reading.Malformed);
        Assert.Equal(("elasticsearch.bad_id", $"{set.Index.Name}[0] seq_no 17"), (malformed.Found.Error.Code, malformed.Place));
        ContentAssert.Same(Corpus.Plain(50).Where(d => d.Key != Corpus.PlainKey(17)), reading.Apply());
    }
}

public sealed class ElasticsearchSourceConformance(SharedServers servers) : SearchSourceConformance(servers, ServerKind.Elasticsearch);

public sealed class OpenSearchSourceConformance(SharedServers servers) : SearchSourceConformance(servers, ServerKind.OpenSearch);
