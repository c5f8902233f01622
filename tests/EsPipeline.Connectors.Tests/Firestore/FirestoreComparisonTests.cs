using EsPipeline.Conformance;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Comparing documents with what Firestore keeps of them where the mapping gives their fields types.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreComparisonTests(FirestoreEmulator emulator)
{
    private static readonly SourceSchema Mapping = new(
    [
        new SourceField("when", FieldKind.Timestamp, "date"),
        new SourceField("seconds", FieldKind.Timestamp, "date", "epoch_second"),
        new SourceField("where", FieldKind.GeoPoint, "geo_point"),
        new SourceField("bytes", FieldKind.Binary, "binary"),
        new SourceField("exact", FieldKind.Decimal, "numeric"),
        new SourceField("area", FieldKind.Unknown, "geo_shape"),
    ]);

    private static readonly Document[] Documents =
    [
        new("times", """{"when":["2024-02-29T10:11:12.123+01:00","2024-02-29","2024-01-01T00:00:00.123456789Z","2024-01-01T00:00:00.1Z",1700000000123,"soon",null],"seconds":1700000000}"""),
        new("places", """{"where":[{"lat":1,"lon":2.50},"41.12,-71.34",[-71.34,41.12],"nowhere"],"area":{"type":"point","coordinates":[[1,2],[3]]}}"""),
        new("numbers", """{"exact":[0.1,1e2,12345678901234567890.123456789,1e400],"v":[5e-324,0.1000000000000000055,-0.0,1e3,9007199254740993,18446744073709551616]}"""),
        new("texts", """{"bytes":["AAEC","no base64!"],"timestampValue":"2024-01-01T00:00:00.5Z","v":{"timestampValue":{"doubleValue":1.50}},"half":"\ud800x"}"""),
        new("a/b", """{"__name__":{"a.b":[[1,[2]],[]]},"with space":{}}"""),
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_document_whose_values_became_types_of_Firestores_is_no_difference()
    {
        await using var database = await FilledAsync();
        var result = await CompareAsync(database);
        Assert.Empty(result.Different.Examples.SelectMany(e => e.Differences));
        Assert.Equal((Documents.Length, true), (result.Equal, result.IsClean));
    }

    [Theory]
    [InlineData("places", """{"where":{"geoPointValue":{"latitude":1,"longitude":2.5}}}""", "where", "area")]
    [InlineData("numbers", """{"exact":{"arrayValue":{"values":[{"doubleValue":0.1}]}},"v":{"integerValue":"9007199254740992"}}""", "exact", "v")]
    public async Task A_value_that_was_changed_is_found_with_its_field(string id, string fields, params string[] named)
    {
        await using var database = await FilledAsync();
        await database.PutAsync([(id, fields)]);
        var different = Assert.Single((await CompareAsync(database)).Different.Examples);
        Assert.Equal(id, different.Key);
        Assert.Equal(named, different.Differences.Select(d => d.Split(':')[0]));
        Assert.True((await CompareAsync(database, new VerifyOptions { Repair = true })).IsClean);
        Assert.True((await CompareAsync(database)).IsClean);
    }

    private async Task<FirestoreDatabase> FilledAsync()
    {
        var database = emulator.NewDatabase();
        using var state = new TemporaryFolder();
        await using var source = new ListSource(Documents) { Schema = Mapping };
        await using var sink = database.OpenSink();
        var result = await EngineRun.CopyAsync(source, sink, state.Path, Ct);
        Assert.Equal((null, Documents.Length), (result.Error, (int)result.Account.Written));
        return database;
    }

    private static async Task<VerifyResult> CompareAsync(FirestoreDatabase database, VerifyOptions? options = null)
    {
        using var state = new TemporaryFolder();
        await using var source = new ListSource(Documents) { Schema = Mapping };
        await using var sink = database.OpenSink();
        return await EngineRun.CompareAsync(source, sink, state.Path, Ct, options);
    }
}
