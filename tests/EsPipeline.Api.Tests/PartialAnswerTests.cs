using System.IO.Pipelines;
using System.Text;
using EsPipeline.Api.Search;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Tests;

/// <summary>An answer for a part of the data is an error, whatever its status: a real server can't be made to give each of these at will.</summary>
public sealed class PartialAnswerTests
{
    private const string Hits = "\"hits\":{\"total\":{\"value\":1,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":\"i\",\"_id\":\"a\",\"_source\":{\"n\":1},\"sort\":[1]}]}";

    [Theory]
    [InlineData("{\"took\":1,\"timed_out\":true,\"_shards\":{\"total\":2,\"successful\":2,\"skipped\":0,\"failed\":0},HITS}", "api.timed_out")]
    [InlineData("{\"took\":1,\"timed_out\":false,\"_shards\":{\"total\":2,\"successful\":1,\"skipped\":0,\"failed\":1,\"failures\":[{\"shard\":0}]},HITS}", "api.backend_unavailable")]
    [InlineData("{\"took\":1,\"timed_out\":false,HITS", "api.backend_unavailable")]
    [InlineData("<html>", "api.backend_unavailable")]
    [InlineData("{}", "api.backend_unavailable")]
    [InlineData("[]", "api.backend_unavailable")]
    [InlineData("{\"took\":1,\"timed_out\":false,HITS}", "api.backend_unavailable")]
    [InlineData("{\"_shards\":{\"total\":2,\"successful\":2,\"skipped\":0,\"failed\":0}}", "api.backend_unavailable")]
    [InlineData("{\"_shards\":{\"total\":2,\"successful\":2,\"skipped\":0,\"failed\":0},\"hits\":null}", "api.backend_unavailable")]
    [InlineData("{\"_shards\":{\"total\":2,\"successful\":1,\"skipped\":0,\"failed\":0},HITS}", "api.backend_unavailable")]
    [InlineData("{\"_shards\":{},HITS}", "api.backend_unavailable")]
    public void A_partial_or_broken_answer_is_an_error(string answer, string code)
    {
        var json = Encoding.UTF8.GetBytes(answer.Replace("HITS", Hits, StringComparison.Ordinal));
        Assert.Equal(code, Assert.Throws<PipelineException>(() => SearchAnswer.Read(json)).Code);
    }

    [Fact]
    public async Task A_whole_answer_is_passed_on()
    {
        var answer = SearchAnswer.Read(Encoding.UTF8.GetBytes("{\"pit_id\":\"p\",\"timed_out\":false,\"_shards\":{\"total\":1,\"successful\":1,\"skipped\":0,\"failed\":0}," + Hits + "}"));
        using var output = new MemoryStream();
        var writer = PipeWriter.Create(output);
        await answer.WriteDocumentsAsync(new FieldRules(new ApiOptions()), withId: true, writer, SearchServer.Ct);
        await writer.CompleteAsync();
        Assert.Equal("[{\"_id\":\"a\",\"n\":1}]", Encoding.UTF8.GetString(output.ToArray()));
        Assert.Equal((1L, "p", "[1]"), (answer.Total, answer.PointInTime, Encoding.UTF8.GetString(answer.LastSort.Span)));
    }
}
