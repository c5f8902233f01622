using EsPipeline.Connectors.Columns;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Columns;

/// <summary>What is known of fields after the rules of a run.</summary>
public sealed class KeptSchemaTests
{
    private static readonly SourceSchema Source = new(
        [new("a", FieldKind.Integer, "long"), new("at", FieldKind.Timestamp, "date", "epoch_millis"), new("place.city", FieldKind.Text, "text"), new("place.zip", FieldKind.Text, "text")]);

    [Fact]
    public void A_field_is_known_by_the_name_that_it_gets()
    {
        var kept = DocumentFields.Kept(Source, new RunOptions { Rename = ["at=when", "place=where", "place.zip=code"] });
        Assert.Equal(["a", "when", "where.city", "where.code"], kept.Fields.Select(f => f.Path));
        Assert.Equal((FieldKind.Timestamp, "epoch_millis"), (kept.Fields[1].Kind, kept.Fields[1].Format));
    }

    [Theory]
    [InlineData("n=1", FieldKind.Integer)]
    [InlineData("n=1.5", FieldKind.Double)]
    [InlineData("n=true", FieldKind.Boolean)]
    [InlineData("n=one", FieldKind.Text)]
    [InlineData("n=1 2", FieldKind.Text)]
    [InlineData("n=", FieldKind.Text)]
    [InlineData("n={\"x\":1}", FieldKind.Json)]
    [InlineData("n=null", FieldKind.Unknown)]
    public void A_field_that_is_set_is_of_its_value_s_kind(string rule, FieldKind kind) =>
        Assert.Equal([("a", FieldKind.Integer), ("n", kind)], DocumentFields.Kept(Source, new RunOptions { Fields = ["a"], Set = [rule] }).Fields.Select(f => (f.Path, f.Kind)));

    [Fact]
    public void A_field_that_is_set_takes_the_place_of_the_source_s() =>
        Assert.Equal(
            [("a", FieldKind.Integer), ("at", FieldKind.Timestamp), ("place", FieldKind.Text)],
            DocumentFields.Kept(Source, new RunOptions { Set = ["place=here"] }).Fields.Select(f => (f.Path, f.Kind)));

    [Fact]
    public void A_field_that_is_named_is_wanted_by_the_name_that_it_gets() =>
        Assert.Equal(["b", "place"], DocumentFields.Wanted(new RunOptions { Fields = ["a", "place.city"], Rename = ["a=b"] }).Select(f => f.Path));

    [Fact]
    public void A_name_with_dots_is_no_path_and_what_there_is_is_found_out_from_the_documents()
    {
        Assert.Empty(DocumentFields.Kept(Source, new RunOptions { Rename = ["a=b.c"] }).Fields);
        Assert.Empty(DocumentFields.Kept(Source, new RunOptions { Set = ["d.e=1"] }).Fields);
        Assert.NotEmpty(DocumentFields.Kept(Source, new RunOptions { Rename = ["place.zip=code"], Set = ["d=1.5"] }).Fields);
    }

    [Fact]
    public void A_source_that_knows_nothing_knows_nothing_more() =>
        Assert.Empty(DocumentFields.Kept(SourceSchema.Unknown, new RunOptions { Set = ["n=1"], Rename = ["a=b"] }).Fields);
}
