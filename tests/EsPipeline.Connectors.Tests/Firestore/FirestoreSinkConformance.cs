using EsPipeline.Conformance;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>The sink suite against the emulator.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public class FirestoreSinkConformance(FirestoreEmulator emulator) : SinkConformance
{
    [Fact(DisplayName = "A document at the limit is taken and one byte over is refused; the limit is of a text's bytes, since a document's own depends on its names and types")]
    public override async Task A_record_at_the_limit_is_taken_and_one_byte_over_is_refused_for_good()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = await OpenAsync(target);
        static Document Of(string key, int bytes) => new(key, $"{{\"f\":\"{new string('x', bytes)}\"}}");
        using var batch = Conformance.Slices.Of(Of("at", FirestoreLimits.MaxValueBytes), Of("over", FirestoreLimits.MaxValueBytes + 1));
        var failure = Assert.Single((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
        Assert.Equal((1, FailureKind.Permanent), (failure.Index, failure.Error.Kind));
        Assert.Equal(["at"], (await target.ReadAllAsync(Ct)).Keys);
    }

    [Fact(DisplayName = "A wrong password is for a person to mend; the emulator asks for none, so that the proxy answers as the service does")]
    public override Task A_wrong_password_is_for_a_person_to_mend() => IsEnvironmentAsync("401 Unauthorized", "UNAUTHENTICATED", "Request had invalid authentication credentials.");

    [Fact(DisplayName = "A missing database is for a person to mend; the emulator has every database, so that the proxy answers as the service does")]
    public override Task A_missing_target_is_for_a_person_to_mend() => IsEnvironmentAsync("404 Not Found", "NOT_FOUND", "The database (default) does not exist for project p");

    [Fact(DisplayName = "A used-up quota is for a person to mend; Firestore has no disk that could be full")]
    public override Task A_full_disk_is_for_a_person_to_mend() =>
        IsEnvironmentAsync("429 Too Many Requests", "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Free daily write units' and limit 'Free daily write units per day per project'");

    [Fact(DisplayName = "What was written survives though the sink is never closed; the emulator keeps everything in memory, so that its crash would show nothing of the service")]
    public override Task What_was_written_survives_a_crash_of_the_server() => What_was_written_is_there_though_the_sink_is_never_closed();

    [Fact(DisplayName = "Preparing over what is there already changes nothing; a collection has no schema that could not fit")]
    public override Task Preparing_over_what_does_not_fit_says_what_differs() => Preparing_again_changes_nothing();

    protected override Task<SinkTarget> CreateAsync(CancellationToken ct) => Task.FromResult<SinkTarget>(new FirestoreTarget(emulator.NewDatabase()));

    private async Task IsEnvironmentAsync(string http, string status, string message)
    {
        await using var target = await CreateAsync(Ct);
        await using var proxy = new TcpProxy(((FirestoreTarget)target).Server);
        await using var sink = await OpenAsync(target, new SinkKnobs { Through = proxy.EndPoint });
        proxy.AnswerNextWithHttp(http, $$$"""{"error":{"code":{{{http[..3]}}},"status":"{{{status}}}","message":"{{{message}}}"}}""");
        Assert.All(await FailuresOfAsync(sink, [.. Corpus.Plain(3)]), f => Assert.Equal(FailureKind.Environment, f.Kind));
        Assert.Empty(await target.ReadAllAsync(Ct));
    }
}

/// <summary>The same with documents that are Firestore's own JSON when they come to the sink. Their keys are ids as they are.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreTypedSinkConformance(FirestoreEmulator emulator) : FirestoreSinkConformance(emulator)
{
    private readonly FirestoreEmulator _emulator = emulator;

    protected override bool CanHold(Document document) =>
        FirestoreNames.IsId(document.KeyBytes) && !Corpus.NestedArrays.Contains(document) && !Corpus.ExactNumbers.Contains(document);

    protected override Task<SinkTarget> CreateAsync(CancellationToken ct)
    {
        var database = _emulator.NewDatabase();
        database.Values = FirestoreValues.Typed;
        return Task.FromResult<SinkTarget>(new FirestoreTarget(database));
    }
}
