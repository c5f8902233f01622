using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Documents in one column, followed by the column that every update sets.</summary>
public class PostgresUpdatedColumnConformance(SharedPostgres shared) : PostgresConformance
{
    protected override IReadOnlyList<string> RecordedPositions { get; } =
    [
        "pg1:blocks:16385:16385:0:-:0.0:731:1700000000000000:-",
        "pg1:blocks:16385:16390:64:128:70.3:4294967300:-:25000000",
        "pg1:blocks:16385:16385:0:-:end:731:-:-",
    ];

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeedAsync(new PostgresDataSet(await shared.GetAsync(), PostgresDataSet.NewName(), FollowWay.UpdatedColumn), documents, ct);

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

/// <summary>Documents in one column, followed by logical replication.</summary>
public class PostgresChangesConformance(SharedPostgres shared) : PostgresConformance
{
    protected override IReadOnlyList<string> RecordedPositions { get; } =
    [
        "pg1:blocks:16385:16385:0:-:0.0:731:-:25000000",
        "pg1:blocks:16385:16385:0:-:end:731:-:25000000",
    ];

    protected override int ManyRecords => 200_000;

    [Fact(DisplayName = "A record that is committed late is not missed; the slot is there before, since the server makes none while a transaction is open")]
    public override async Task A_record_that_is_committed_late_is_not_missed()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(50)], 1, Ct);
        await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        var commit = await set.BeginPutAsync([.. Corpus.Plain(60).Skip(50)], Ct);
        await set.PutAsync([.. Corpus.Plain(70).Skip(60)], Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Corpus.Plain(80).Skip(70)], Ct);
        var during = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        await commit();
        var after = await SourceReader.ReadChangesAsync(set, during.Saved, Ct);
        ContentAssert.Same(Corpus.Plain(80).Select(set.Expected), after.Apply(during.Apply(snapshot.Apply())));
    }

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeedAsync(new PostgresDataSet(await shared.GetAsync(), PostgresDataSet.NewName(), FollowWay.Changes), documents, ct);
}

/// <summary>Rows of columns with a key of two, followed by the column that every update sets.</summary>
public sealed class PostgresRowsUpdatedColumnConformance(SharedPostgres shared) : PostgresUpdatedColumnConformance(shared)
{
    private readonly SharedPostgres _shared = shared;

    protected override int ManyRecords => 100_000;

    [Fact(DisplayName = "No row of columns with its primary key is malformed: an empty text, a comma and a blank are keys like others")]
    public override Task A_malformed_record_is_told_with_its_place_and_the_rest_is_read() => OddRowsAreReadAsync();

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeedAsync(new PostgresRowSet(await _shared.GetAsync(), PostgresDataSet.NewName(), FollowWay.UpdatedColumn), documents, ct);
}

/// <summary>Rows of columns with a key of two, followed by logical replication.</summary>
public sealed class PostgresRowsChangesConformance(SharedPostgres shared) : PostgresChangesConformance(shared)
{
    private readonly SharedPostgres _shared = shared;

    protected override int ManyRecords => 100_000;

    [Fact(DisplayName = "No row of columns with its primary key is malformed: an empty text, a comma and a blank are keys like others")]
    public override Task A_malformed_record_is_told_with_its_place_and_the_rest_is_read() => OddRowsAreReadAsync();

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeedAsync(new PostgresRowSet(await _shared.GetAsync(), PostgresDataSet.NewName(), FollowWay.Changes), documents, ct);
}

/// <summary>Documents made of two tables, followed by the columns that every update sets.</summary>
public sealed class PostgresJoinedUpdatedColumnConformance(SharedPostgres shared) : PostgresUpdatedColumnConformance(shared)
{
    private readonly SharedPostgres _shared = shared;

    protected override int ManyRecords => 100_000;

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeedAsync(new PostgresJoinedSet(await _shared.GetAsync(), PostgresDataSet.NewName(), FollowWay.UpdatedColumn), documents, ct);
}

/// <summary>Documents made of two tables, followed by logical replication.</summary>
public sealed class PostgresJoinedChangesConformance(SharedPostgres shared) : PostgresChangesConformance(shared)
{
    private readonly SharedPostgres _shared = shared;

    protected override int ManyRecords => 100_000;

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeedAsync(new PostgresJoinedSet(await _shared.GetAsync(), PostgresDataSet.NewName(), FollowWay.Changes), documents, ct);
}
