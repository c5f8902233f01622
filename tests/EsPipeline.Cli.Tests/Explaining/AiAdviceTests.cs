using EsPipeline.Cli.Explaining;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.DeadLetters;

namespace EsPipeline.Cli.Tests.Explaining;

public sealed class AiAdviceTests : IDisposable
{
    private const string Key = "sk-S3cr3t!%40/:?#";
    private readonly EspipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_model_s_words_are_shown_and_it_was_sent_nothing_of_the_user_s_own()
    {
        using var model = new FakeModel(r => FakeModel.Text(r, "Start the server.\u001b[31m\n1. Run it."));
        var run = await HealthCheckAsync(model.Url);
        Assert.Contains("What the model test-model makes of elasticsearch.unreachable; it may be wrong:\nStart the server.", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", run.Said, StringComparison.Ordinal);
        var (path, authorization, body) = Assert.Single(model.Requests);
        Assert.Equal(("/v1/messages", "Bearer " + Key), (path, authorization));
        Assert.Contains("elasticsearch.unreachable", body, StringComparison.Ordinal);
        Assert.Contains("\"test-model\"", body, StringComparison.Ordinal);
        foreach (var own in new[] { "S3cr3t", "127.0.0.1", "secret-index", "reader", "geheim" }) Assert.DoesNotContain(own, body, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("S3cr3t", run.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, """{"type":"error","error":{"type":"api_error","message":"Down"}}""")]
    [InlineData(401, """{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}""")]
    [InlineData(200, "{")]
    [InlineData(200, "<html>")]
    [InlineData(200, """{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}""")]
    public async Task Without_an_answer_the_rules_explain_and_the_run_ends_as_it_would(int status, string body)
    {
        using var model = new FakeModel(r => FakeModel.Json(r, status, body));
        var run = await HealthCheckAsync(model.Url);
        Assert.Contains("The model test-model gave no answer (", run.Error, StringComparison.Ordinal);
        Assert.Contains("What elasticsearch.unreachable means: ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("S3cr3t", run.Said, StringComparison.Ordinal);
        Assert.Single(model.Requests);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_so_that_the_key_stays_here()
    {
        using var other = new FakeModel(r => FakeModel.Text(r, "stolen"));
        using var model = new FakeModel(r =>
        {
            r.StatusCode = 307;
            r.RedirectLocation = other.Url + "/v1/messages";
        });
        var run = await HealthCheckAsync(model.Url);
        Assert.Empty(other.Requests);
        Assert.Contains("What elasticsearch.unreachable means: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_does_not_answer_is_not_waited_for_longer_than_its_limit()
    {
        using var model = new FakeModel(answer: null);
        var settings = Settings(model.Url);
        var answer = await new AiAdvice(settings, Redaction.Of(settings.Values)) { Longest = TimeSpan.FromMilliseconds(200) }
            .AskAsync(ElasticsearchErrors.Unreachable.Error("Down."), TestContext.Current.CancellationToken);
        Assert.Null(answer.Text);
        Assert.Contains("longer than", answer.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_a_run_is_as_it_would_be_and_an_error_explained_by_the_rules()
    {
        CsvCopy.Write(_folder, 1);
        (await _folder.RunAsync(CsvCopy.Arguments("--ai-errors"))).Ended(0);
        _folder.Environment["ES_PASSWORD"] = "geheim";
        var failed = (await _folder.RunAsync([.. Ends.SelectMany(e => new[] { e.Item1, e.Item2 }), "--ai-errors"])).Ended(1);
        Assert.Contains("gave no answer (ANTHROPIC_API_KEY is not set)", failed.Error, StringComparison.Ordinal);
        Assert.Contains("1. ", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_speaks_of_records_is_sent_without_its_message()
    {
        var settings = Settings("http://127.0.0.1:1");
        var advice = new AiAdvice(settings, Redaction.Of(settings.Values));
        Assert.DoesNotContain("Ana", advice.Question(FilesErrors.FieldCount.Error("The row of Ana has 3 values.")), StringComparison.Ordinal);
        Assert.DoesNotContain("Ana", advice.Question(DeadLetterErrors.TooMany.Error("The last one: Ana.")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("No connection to http://me:pw@10.1.2.3:9200/x/_search: refused", "No connection to <address> refused")]
    [InlineData("10.1.2.3:9200 and [::1]:9200 refuse user 'Ana Xu' of \"acme\"", "<address> and <address> refuse user '<value>' of '<value>'")]
    [InlineData("/home/ana/in.csv has no column; ana@example.org knows", "<address> has no column; <address> knows")]
    [InlineData("The index SECRET-INDEX is closed for reader.", "The index <es-index> is closed for <es-user>.")]
    [InlineData("It has sk-S3cr3t!%40/:?# in it.", "It has *** in it.")]
    public void A_message_loses_what_is_the_user_s_own(string message, string sent)
    {
        var settings = Settings("http://127.0.0.1:1");
        Assert.Equal(sent, new AiAdvice(settings, Redaction.Of(settings.Values)).Sanitise(message));
    }

    // Nothing listens there.
    private static (string, string)[] Ends { get; } =
    [
        ("--source", "elasticsearch"), ("--es-url", "http://127.0.0.1:1"), ("--es-index", "secret-index"), ("--es-user", "reader"),
        ("--sink", "jsonl"), ("--output-file", "out.jsonl"), ("--mode", "health-check"),
    ];

    private static Settings Settings(string url) => SettingsOf.Options(
        [.. Ends, ("--ai-errors", "true")],
        ("ES_PASSWORD", "geheim"), ("ANTHROPIC_API_KEY", Key), ("ANTHROPIC_BASE_URL", url), ("ESPIPE_AI_MODEL", "test-model"));

    private async Task<EspipeResult> HealthCheckAsync(string url)
    {
        _folder.Environment["ANTHROPIC_API_KEY"] = Key;
        _folder.Environment["ANTHROPIC_BASE_URL"] = url;
        _folder.Environment["ESPIPE_AI_MODEL"] = "test-model";
        _folder.Environment["ES_PASSWORD"] = "geheim";
        var run = await _folder.RunAsync([.. Ends.SelectMany(e => new[] { e.Item1, e.Item2 }), "--ai-errors"]);
        return run.Ended(1);
    }
}
