using System.Net;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>The source suite against the emulator.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public class FirestoreSourceConformance(FirestoreEmulator emulator) : SourceConformance
{
    protected override IReadOnlyList<string> RecordedPositions => ["fs1:1700000000000000:>a2V5:", "fs1:0:=YQ:Yg", "fs1:1700000000000000:!:"];

    // The emulator keeps every document, and every version of it, in its memory.
    protected override int ManyRecords => 30_000;

    [Fact(DisplayName = "A document of a mebibyte, Firestore's largest, comes through; there are none of 20 MiB")]
    public override async Task One_document_of_20_MiB_costs_no_more_than_itself_a_few_times()
    {
        Document[] documents = [Corpus.OfBytes("large", 1_000_000), .. Corpus.Plain(20)];
        await using var set = await SeedAsync(documents, 1, Ct);
        ContentAssert.Same(documents.Select(set.Expected), (await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct)).Apply());
    }

    [Fact(DisplayName = "Every document comes through; Firestore holds nothing malformed (a value of an unknown kind is a test of its own)")]
    public override Task A_malformed_record_is_told_with_its_place_and_the_rest_is_read() => Every_document_of_the_corpus_comes_through_unchanged();

    [Fact(DisplayName = "A document that was deleted does not come again; Firestore tells of no deletes")]
    public override async Task Changes_show_deletes()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(100)], 1, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.DeleteAsync([.. Enumerable.Range(0, 30).Select(Corpus.PlainKey)], Ct);
        var again = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        ContentAssert.Same(Corpus.Plain(100).Skip(30).Select(set.Expected), again.Apply());
    }

    [Fact(DisplayName = "Each look for changes reads everything, so that nothing can be committed too late for it")]
    public override Task A_record_that_is_committed_late_is_not_missed() => Changes_show_inserts_and_updates();

    // These go into the emulator as they are, past the sink, which would flatten or convert them.
    protected override bool CanHold(Document document) => !Corpus.NestedArrays.Contains(document) && !Corpus.ExactNumbers.Contains(document);

    protected virtual FirestoreValues Values => FirestoreValues.Json;

    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct)
    {
        var database = emulator.NewDatabase();
        database.Values = Values;
        var set = new DataSet(database);
        await set.PutAsync(documents, ct);
        return set;
    }

    private sealed class DataSet(FirestoreDatabase database) : SourceDataSet
    {
        public override IPEndPoint Server => IPEndPoint.Parse(database.Host);

        public override IDataSource Open(SourceKnobs knobs) => database.OpenSource(knobs.PageSize, (knobs.Through ?? Server).ToString(), timeout: knobs.Timeout);

        public override Document Expected(Document document) => database.Values == FirestoreValues.Typed
            ? new Document(FirestoreNames.Encode(document.Key, NameKind.Id), PlainEncoding.Served(document.Json))
            : document with { Json = PlainDecoding.Held(document.Json) };

        public override Task PutAsync(IReadOnlyList<Document> documents, CancellationToken ct) =>
            database.PutAsync(documents.Select(d => (FirestoreNames.Encode(d.Key, NameKind.Id), PlainEncoding.Of(d.Json))));

        public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken ct) => database.DeleteAsync(keys);

        public override async ValueTask DisposeAsync()
        {
            await database.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}

/// <summary>The same with documents in Firestore's own JSON.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreTypedSourceConformance(FirestoreEmulator emulator) : FirestoreSourceConformance(emulator)
{
    protected override FirestoreValues Values => FirestoreValues.Typed;
}
