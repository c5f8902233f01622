using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;

namespace EsPipeline.Connectors.Tests.Postgres;

public sealed class PostgresUpdatedColumnConformance(SharedPostgres shared) : SourceConformance
{
    protected override IReadOnlyList<string> RecordedPositions { get; } =
    [
        "pg1:blocks:16385:16385:0:-:0.0:731:1700000000000000:-",
        "pg1:blocks:16385:16390:64:128:70.3:4294967300:-:25000000",
        "pg1:blocks:16385:16385:0:-:end:731:-:-",
    ];

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await PostgresDataSet.SeedAsync(await shared.GetAsync(), documents, FollowWay.UpdatedColumn, ct);

    [Fact(DisplayName = "Changes show no deletes: a row that is gone has no updated column")]
    public override async Task Changes_show_deletes()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(100)], 2, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 2, Ct);
        await set.DeleteAsync([Corpus.PlainKey(0)], Ct);
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        ContentAssert.Same(Corpus.Plain(100).Select(set.Expected), changes.Apply(snapshot.Apply()));
    }
}
