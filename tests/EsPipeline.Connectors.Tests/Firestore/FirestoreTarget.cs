using System.Net;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>A collection of the emulator for one check of the sink suite.</summary>
internal sealed class FirestoreTarget(FirestoreDatabase database) : SinkTarget
{
    private bool IsTyped => database.Values == FirestoreValues.Typed;

    public override IPEndPoint Server => IPEndPoint.Parse(database.Host);

    public override IReadOnlyList<RefusedDocument> Refused { get; } =
    [
        new(new Document("too-deep", string.Concat(Enumerable.Repeat("{\"d\":", 21)) + "{}" + new string('}', 21)), "levels deep"),
        new(new Document("too-large", $"{{\"f\":\"{new string('x', FirestoreLimits.MaxValueBytes + 1)}\"}}"), "a value has at most"),
        new(new Document(new string('k', FirestoreLimits.MaxNameBytes + 1), "{}"), "a document's id has at most"),
    ];

    public override IDataSink Open(SinkKnobs knobs)
    {
        var options = database.Options with { EmulatorHost = (knobs.Through ?? Server).ToString() };
        var sink = new FirestoreSink(options, TimeProvider.System, NullLogger.Instance, new FirestoreClient(options, TimeProvider.System))
        {
            WriteTimeout = knobs.Timeout ?? TimeSpan.FromSeconds(60),
        };
        return IsTyped ? new TypedInput(sink) : sink;
    }

    public override Document Expected(Document document) => document with { Json = PlainDecoding.Held(document.Json) };

    public override async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken ct) =>
        (await database.AllAsync()).ToDictionary(d => IsTyped ? d.Key : FirestoreNames.Decode(d.Key, NameKind.Id), d => PlainDecoding.Of(d.Value));

    // A collection has nothing but its documents.
    public override Task<string> DescribeAsync(CancellationToken ct) => Task.FromResult("");

    public override async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        await base.DisposeAsync();
    }
}
