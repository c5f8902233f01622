using System.Text.Json;
using EsPipeline.Api.Indices;
using EsPipeline.Api.Search;

namespace EsPipeline.Api.Tests;

/// <summary>
/// A field that a script computes may show any other: where there are rules there is none for callers, under whatever name. Told by mappings
/// alone, since the servers of these tests run no scripts; every search, order and list goes through <see cref="IndexFields.Find"/>.
/// </summary>
public sealed class ComputedFieldTests
{
    // Indexed like any other field; computed by every search; and computed under a name that another field, which may be seen, has for a part of it.
    private const string Mappings = """
        {"i":{"mappings":{"runtime":{"labels.part":{"type":"keyword","script":"emit(doc['ssn'].value)"},"name.keyword":{"type":"keyword","script":"emit(doc['ssn'].value)"}},
        "properties":{"n":{"type":"integer"},"ssn":{"type":"keyword"},"labels":{"type":"flattened"},"name":{"type":"text","fields":{"keyword":{"type":"keyword"}}},
        "derived":{"type":"keyword","script":"emit(doc['ssn'].value)"},"derived_too":{"type":"alias","path":"derived"},
        "code":{"properties":{"number":{"type":"long","script":{"source":"emit(Long.parseLong(doc['ssn'].value))"}}}}}}}}
        """;

    [Fact]
    public void Where_there_are_rules_no_computed_field_is_searched_sorted_or_listed()
    {
        using var json = JsonDocument.Parse(Mappings);
        var (open, ruled) = (IndexFields.Of(json.RootElement, new FieldRules(new ApiOptions())), IndexFields.Of(json.RootElement, new FieldRules(new ApiOptions { DenyFields = ["ssn"] })));
        foreach (var field in (string[])["derived", "derived_too", "code.number", "labels.part", "labels.part.more", "name.keyword"])
        {
            Assert.Equal(field, open.Find(field).Name);
            Assert.Equal("api.no_such_field", Assert.Throws<Core.Errors.PipelineException>(() => ruled.Find(field)).Code);
        }

        // Whole values of the text were found by the sub-field that is computed now.
        Assert.Equal("name.keyword", open.Find("name").Exact);
        Assert.Null(ruled.Find("name").Exact);
        Assert.Equal(["code", "labels", "n", "name"], ruled.All.Select(f => f.Name));
        Assert.Equal("labels.open", ruled.Find("labels.open").Name);
    }

    [Theory]
    [InlineData("open", """{"i":{"mappings":{"derived":{"open":{"type":"keyword","script":{"source":"emit(1)"}}},"properties":{"open":{"type":"keyword"}}}}}""")]
    [InlineData("copy", """{"i":{"mappings":{"properties":{"f":{"type":"flattened","copy_to":"copy"},"copy":{"type":"keyword"}}}}}""")]
    [InlineData("meaning", """{"i":{"mappings":{"properties":{"hidden":{"type":"text","copy_to":["meaning"]},"meaning":{"type":"semantic_text","inference_id":"x"}}}}}""")]
    [InlineData("x", """{"a":{"mappings":{"properties":{"x":{"type":"keyword","script":"emit('a')"}}}},"b":{"mappings":{"properties":{"x":{"type":"keyword"}}}}}""")]
    public void What_may_hold_a_denied_value_is_denied(string field, string mappings)
    {
        using var json = JsonDocument.Parse(mappings);
        var rules = new FieldRules(new ApiOptions { DenyFields = ["hidden", "f.secret"] });
        Assert.Equal("api.no_such_field", Assert.Throws<Core.Errors.PipelineException>(() => IndexFields.Of(json.RootElement, rules).Find(field)).Code);
        Assert.Equal(field, IndexFields.Of(json.RootElement, new FieldRules(new ApiOptions())).Find(field).Name);
    }

    [Fact]
    public void What_a_server_copies_into_the_document_itself_is_not_shown()
    {
        // As semantic_text does with the text that copy_to brings.
        const string Mapping = """{"i":{"mappings":{"properties":{"hidden":{"type":"text","copy_to":"meaning.part"},"meaning":{"properties":{"part":{"type":"semantic_text"},"other":{"type":"keyword"}}}}}}}""";
        const string Document = """{"hidden":"S3cr3t","meaning":{"part":{"inference":{"chunks":[{"text":"S3cr3t"}]}},"other":1},"open":2}""";
        using var json = JsonDocument.Parse(Mapping);
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        DocumentFilter.Write(System.Text.Encoding.UTF8.GetBytes(Document), IndexFields.Of(json.RootElement, new FieldRules(new ApiOptions { DenyFields = ["hidden"] })).DocumentRules, output);
        Assert.Equal("""{"meaning":{"other":1},"open":2}""", System.Text.Encoding.UTF8.GetString(output.WrittenSpan));
    }
}
