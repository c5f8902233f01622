using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Under which name an index is searched.</summary>
public sealed class IndexCatalogTests
{
    private static readonly IndexCatalog Catalog = new(
        ["open"],
        [],
        new Dictionary<string, IReadOnlyList<string>> { ["b"] = ["behind"], ["a"] = ["behind", "another"], ["s"] = ["stream"] },
        [".ds-direct-2026.11.21-000001"]);

    [Theory]
    [InlineData("open", "open", false)]
    [InlineData(".ds-direct-2026.11.21-000001", ".ds-direct-2026.11.21-000001", false)]
    [InlineData("another", "a", true)]
    [InlineData("behind", "a,b", true)]
    [InlineData(".ds-stream-2026.11.21-000001", "a,b,s", true)]
    public void It_is_its_own_or_that_of_the_aliases_that_mean_it(string name, string address, bool shared)
    {
        var index = Catalog.AddressOf(name, "uuid");
        Assert.Equal((name, address, shared), (index.Name, index.Address, index.IsShared));
    }

    [Fact]
    public void Of_an_index_of_a_data_stream_that_is_not_called_like_one_it_is_the_stream_s_alias() =>
        Assert.Equal("s", Catalog.AddressOf("logs-000001", "uuid", new HashSet<string> { "open", "behind", "another", "logs-000001" }).Address);

    [Fact]
    public void Of_an_index_that_was_made_meanwhile_it_is_not_guessed()
    {
        var error = Assert.Throws<PipelineException>(() => Catalog.AddressOf("made-since", "uuid"));
        Assert.Equal((ElasticsearchErrors.Unavailable, FailureKind.Transient), (error.Error, error.Kind));
    }
}
