using EsPipeline.Connectors.Elasticsearch;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Documents that the servers keep as they were sent though they are no strict JSON.</summary>
public sealed class LooseDocumentTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task They_come_as_strict_JSON_and_take_no_other_document_along(ServerKind kind)
    {
        (string Id, string Json, string Expected)[] documents =
        [
            ("quote", """{"a":1 /* x " */}""", """{"a":1}"""),
            ("plain-1", """{"u":"http://x/*y*/\"//"}""", """{"u":"http://x/*y*/\"//"}"""),
            ("brace", """{"a":{"b":[1,2/*]}*/,3]}}""", """{"a":{"b":[1,2,3]}}"""),
            ("behind", """{"a":1} /* " */""", """{"a":1}"""),
            ("line", "{\"a\":1, // \"\n\"b\":2}", """{"a":1,"b":2}"""),
            ("mark", "\uFEFF{\"a\":1}", """{"a":1}"""),
            ("long", $$"""{"t":"{{new string('x', 200)}}","a":1/* " */}""", $$"""{"t":"{{new string('x', 200)}}","a":1}"""),
            ("plain-2", """{"n":2}""", """{"n":2}"""),
            ("second", """{"a":2 /* " */}""", """{"a":2}"""),
        ];
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), mappings: """{"dynamic":false}""");
        foreach (var (id, json, _) in documents) await index.SendAsync(HttpMethod.Put, $"/_doc/{id}", json);
        await index.RefreshAsync();
        foreach (var envelope in (Envelope[])[Envelope.Source, Envelope.Hit])
        {
            await using var source = index.Open(index.Options with { Envelope = envelope });
            var records = (await source.SnapshotAsync()).Unique().Records.ToDictionary(r => r.Key, r => Strict(r.Json));
            foreach (var (id, _, expected) in documents)
            {
                Assert.Equal(envelope == Envelope.Source ? Strict(expected) : $$"""{"_index":"{{index.Name}}","_id":"{{id}}","_source":{{Strict(expected)}}}""", records[id]);
            }

            Assert.Equal(documents.Length, records.Count);
        }
    }

    // Fails where it is not strict.
    private static string Strict(string json)
    {
        using var document = System.Text.Json.JsonDocument.Parse(json);
        return System.Text.Json.JsonSerializer.Serialize(document.RootElement);
    }
}
