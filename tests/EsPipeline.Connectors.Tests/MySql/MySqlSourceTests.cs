using EsPipeline.Conformance;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.MySql;

[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlSourceTests(MySqlServers servers) : SourceConformance
{
    protected override IReadOnlyList<string> RecordedPositions =>
    [
        "mysql1:s:-:-:-:-:0",
        "mysql1:s:1704067200000000:-:=doc-5:-:0",
        "mysql1:s:1704067200000000:=doc-5:-:=doc-7%2C:12",
        "mysql1:c:1704067200000000:-:-:-:0",
        "mysql1:c:1704067200000000:-:-:=2024-01-01%2000%3A00%3A00.000000,doc-7:12",
    ];

    // A million rows take half a minute to put there.
    protected override int ManyRecords => 300_000;

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await MySqlDataSet.CreateAsync(await servers.NewDatabaseAsync(), documents);

    // The table's key is VARCHAR(768), and MariaDB's JSON has 32 levels.
    protected override bool CanHold(Document document) => document.Key.Length <= 768;

    [Fact]
    public override async Task One_document_of_20_MiB_costs_no_more_than_itself_a_few_times()
    {
        var server = await servers.SharedAsync();
        await server.ExecuteAsync("SET GLOBAL max_allowed_packet=67108864");
        try
        {
            await base.One_document_of_20_MiB_costs_no_more_than_itself_a_few_times();
        }
        finally
        {
            await server.ExecuteAsync("SET GLOBAL max_allowed_packet=DEFAULT");
        }
    }

    [Fact(DisplayName = "Changes show no deletes: a column of times can't tell them, and what is left is right")]
    public override async Task Changes_show_deletes()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(100)], 2, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 2, Ct);
        await set.DeleteAsync([.. Enumerable.Range(0, 30).Select(Corpus.PlainKey)], Ct);
        await set.PutAsync([.. Corpus.Plain(40, seed: 2).Skip(30)], Ct);
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        ContentAssert.Same(
            Corpus.Plain(30).Concat(Corpus.Plain(40, seed: 2).Skip(30)).Concat(Corpus.Plain(100).Skip(40)).Select(set.Expected), changes.Apply(snapshot.Apply()));
    }

    [Fact(DisplayName = "A server error that passes: an administrator ends the connection, and reading goes on")]
    public override async Task A_server_error_that_passes_is_read_on_without_gap_or_repeat()
    {
        Document[] documents = [.. Corpus.Plain(300)];
        await using var set = await SeedAsync(documents, 1, Ct);
        var server = await servers.SharedAsync();
        var kills = 0;
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 1, Ct, hooks: new ReadHooks
        {
            OnBatch = async batch =>
            {
                if (batch is not (1 or 3 or 5)) return;
                var name = ((MySqlDataSet)set).Database;
                foreach (var row in await server.RowsAsync($"SELECT id FROM information_schema.processlist WHERE db='{name}'"))
                {
                    kills++;

                    // It may end by itself in between (1094: unknown thread).
                    await server.ExecuteAsync($"BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; KILL {row[0]}; END");
                }
            },
            OnFailure = e =>
            {
                Assert.Equal(FailureKind.Transient, e.Kind);
                return Task.CompletedTask;
            },
        });
        Assert.True(kills >= 3 && reading.Retries >= 3, $"{kills} connections were killed, and reading was begun again {reading.Retries} times.");
        ContentAssert.Unique(reading.Records);
        ContentAssert.Same(documents.Select(set.Expected), reading.Apply());
    }
}
