using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;
using Batches = EsPipeline.Conformance.Slices;
using Document = EsPipeline.Conformance.Document;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>What a plan is told beforehand: exactly what a write refuses, and nothing is written.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreRehearsalTests(FirestoreEmulator emulator)
{
    [Theory]
    [MemberData(nameof(FirestoreLimitsTests.Edges), MemberType = typeof(FirestoreLimitsTests))]
    public async Task A_rehearsal_refuses_what_a_write_refuses(string key, string at, string beyond, ErrorCode error)
    {
        await using var database = emulator.NewDatabase("things");
        await using var sink = database.OpenSink();
        await sink.PrepareRehearsalAsync(SourceSchema.Unknown, reachable: true, TestContext.Current.CancellationToken);
        using var batch = Batches.Of(new Document("before", "{}"), new Document(key, at), new Document(key, beyond), new Document("after", "{}"));
        var slice = new Core.Records.RecordSlice(batch.Records);
        var rehearsed = await sink.RehearseAsync(slice, TestContext.Current.CancellationToken);
        Assert.Empty(await database.AllAsync());

        await sink.PrepareAsync(SourceSchema.Unknown, TestContext.Current.CancellationToken);
        var written = await sink.WriteAsync(slice, TestContext.Current.CancellationToken);
        Assert.Equal(written.Failures, rehearsed.Failures);
        Assert.Equal((2, error), (Assert.Single(rehearsed.Failures).Index, rehearsed.Failures[0].Error));
        Assert.Equal(3, rehearsed.BilledWrites);
    }

    [Fact]
    public async Task Requests_are_divided_as_a_write_divides_them()
    {
        await using var database = emulator.NewDatabase("things");
        await using var sink = database.OpenSink();
        var large = $$"""{"f":"{{new string('x', 900_000)}}"}""";
        using var batch = Batches.Of(Enumerable.Range(0, 9).Select(i => new Document($"k{i}", large)).Append(new Document("k0", "{}")));
        var rehearsed = await sink.RehearseAsync(new Core.Records.RecordSlice(batch.Records), TestContext.Current.CancellationToken);

        // Four of these and no more fit the emulator's 4 MiB, and a key that comes again needs a request of its own: here the third.
        Assert.Equal((3, 10), (rehearsed.Requests, rehearsed.BilledWrites));
        Assert.Empty(await database.AllAsync());
    }
}
