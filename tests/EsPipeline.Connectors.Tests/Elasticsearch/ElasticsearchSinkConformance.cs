using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What both servers have in common.</summary>
public abstract class BulkSinkConformance(SharedServers servers, SecuredServer secured, ServerKind kind) : SinkConformance
{
    private ElasticsearchServer? _own;

    protected override async Task<SinkTarget> CreateAsync(CancellationToken ct) => new IndexTarget(_own ?? await servers.OfAsync(kind, ct), secured);

    // An _id has at most 512 bytes.
    protected override bool CanHold(Document document) => document.KeyBytes.Length <= 512;

    // What the index's mapping takes, the server says.
    protected override IReadOnlyList<RefusedDocument> FoundBeforehand(SinkTarget target) => [.. target.Refused.Where(r => r.Document.Key.Length > 512)];

    // The limit is the server's own setting: with the usual 100 MiB one document would need more memory than the test's server has.
    [Fact]
    public override async Task A_record_at_the_limit_is_taken_and_one_byte_over_is_refused_for_good()
    {
        _own = await ElasticsearchServer.StartAsync(kind, Ct, new ServerStart { Settings = ["http.max_content_length=1mb"] });
        await using (_own) await base.A_record_at_the_limit_is_taken_and_one_byte_over_is_refused_for_good();
    }

    // A server of its own, which may be killed.
    [Fact]
    public override async Task What_was_written_survives_a_crash_of_the_server()
    {
        _own = await ElasticsearchServer.StartAsync(kind, Ct);
        await using (_own) await base.What_was_written_survives_a_crash_of_the_server();
    }
}

public sealed class ElasticsearchSinkConformance(SharedServers servers, SecuredServer secured) : BulkSinkConformance(servers, secured, ServerKind.Elasticsearch);

public sealed class OpenSearchSinkConformance(SharedServers servers, SecuredServer secured) : BulkSinkConformance(servers, secured, ServerKind.OpenSearch)
{
    [Fact(DisplayName = "A wrong password: the OpenSearch of the tests has no users, so its refusal is written by the test")]
    public override async Task A_wrong_password_is_for_a_person_to_mend()
    {
        await using var target = (IndexTarget)await CreateAsync(Ct);
        await using var proxy = new AnswerProxy(target.Host) { Instead = (_, _, _) => ProxiedAnswer.Json(401, "Unauthorized") };
        await using var sink = IndexTarget.Open(target.Options with { Url = proxy.Address });
        var problem = (await Health.OfAsync(sink)).Problem;
        Assert.Equal((ElasticsearchErrors.Unauthorized, FailureKind.Environment), (problem?.Error, problem?.Kind));
    }
}
