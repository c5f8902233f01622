using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Which indices can be compared with their source, and which are refused with the reason.</summary>
public sealed class ComparisonTests(SharedServers servers)
{
    [Theory]
    [InlineData("""{"settings":{"index.default_pipeline":"some"}}""", "default_pipeline 'some'")]
    [InlineData("""{"settings":{"index.final_pipeline":"some"}}""", "final_pipeline 'some'")]
    [InlineData("""{"mappings":{"_source":{"excludes":["secret"]}}}""", "_source")]
    [InlineData("""{"mappings":{"_source":{"enabled":false}}}""", "_source")]
    public async Task An_index_that_does_not_keep_documents_as_they_were_sent_is_refused(string index, string named)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, index);
        var error = await Assert.ThrowsAsync<PipelineException>(() => CompareAsync(target, target.Options with { MappingFile = "" }));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.True(error.Error == VerifyErrors.NotComparable || error.Error == ElasticsearchErrors.NoSource);
    }

    [Fact]
    public async Task What_a_pipeline_of_the_run_makes_of_documents_can_not_be_foretold()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        var error = await Assert.ThrowsAsync<PipelineException>(() => CompareAsync(target, target.Options with { Pipeline = "some" }));
        Assert.Equal(VerifyErrors.NotComparable, error.Error);
    }

    [Fact]
    public async Task An_index_that_is_not_there_is_told_and_not_made()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        var error = await Assert.ThrowsAsync<PipelineException>(() => CompareAsync(target, target.Options, new VerifyOptions { Repair = true }));
        Assert.Equal(ElasticsearchErrors.IndexNotFound, error.Error);
        using var answer = await target.Host.Http.GetAsync(new Uri(target.Name, UriKind.Relative), Sources.Ct);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
    }

    private static async Task<VerifyResult> CompareAsync(IndexTarget target, ElasticsearchSinkOptions options, VerifyOptions? verify = null)
    {
        using var state = new TemporaryFolder();
        await using var source = new ListSource([.. Corpus.Plain(20)]);
        await using var sink = IndexTarget.Open(options);
        return await EngineRun.CompareAsync(source, sink, state.Path, Sources.Ct, verify);
    }
}
