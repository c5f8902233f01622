using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Users from whom document and field level security hides a part, which the servers never say in an answer. It takes a trial licence.</summary>
public sealed class HiddenDocumentTests
{
    private const string Query = ",\"query\":{\"term\":{\"n\":1}}";
    private const string Fields = ",\"field_security\":{\"grant\":[\"*\"],\"except\":[\"text\"]}";

    [Fact]
    public async Task They_are_refused_before_anything_is_copied_or_compared()
    {
        await using var server = await ElasticsearchServer.StartAsync(
            ServerKind.Elasticsearch, Sources.Ct, new ServerStart { Password = SecuredServer.Password, Settings = ["xpack.license.self_generated.type=trial"] });
        await using var index = await TestIndex.CreateAsync(server, 2, name: "hidden-1");
        await index.PutAsync(0, 20);
        var read = Entry("hidden-*", "read\",\"monitor");
        (string Entries, string? Says)[] users =
        [
            (read, null),
            (Entry("*", "all"), null),
            (Entry("hidden-*", "read\",\"monitor", Query), "document level security"),
            (Entry("/hidden-[0-9]/", "read\",\"monitor", Fields), "field level security"),

            // Another entry lifts it only where it lets the user read, and this index.
            (Entry("hidden-*", "read", Query) + "," + Entry("hidden-1", "monitor"), "document level security"),
            (Entry("hidden-*", "read", Query) + "," + Entry("other", "read"), "document level security"),
            (Entry("hidden-*", "read", Query) + "," + read, null),
            (Entry("hidden-*", "read\",\"monitor", ",\"field_security\":{\"grant\":[\"*\"]}"), null),
            (Entry("hidden-*", "read\",\"monitor") + "," + Entry("other", "read", Query), null),
        ];
        foreach (var (entries, says) in users)
        {
            var user = $"user-{Guid.NewGuid():n}";
            await Api.SendAsync(server, HttpMethod.Put, $"_security/role/{user}", $$"""{"indices":[{{entries}}]}""");
            await Api.SendAsync(server, HttpMethod.Put, $"_security/user/{user}", $$"""{"password":"{{SecuredServer.Password}}","roles":["{{user}}"]}""");
            await IsSaidAsync(index.Options with { User = user, Password = new Secret(SecuredServer.Password) }, entries, says);

            // The same as an API key's own privileges.
            var key = await Api.SendAsync(server, HttpMethod.Post, "_security/api_key", $$"""{"name":"{{user}}","role_descriptors":{"r":{"indices":[{{entries}}]} } }""");
            await IsSaidAsync(index.Options with { ApiKey = new Secret(key.GetProperty("encoded").GetString()!) }, entries, says);
        }
    }

    // Where nobody tells the privileges, as in OpenSearch: what is there is counted.
    [Theory]
    [InlineData(20, null)]
    [InlineData(19, "Searches show 19 of the 20 documents")]
    public async Task Where_privileges_are_not_told_a_search_that_shows_fewer_documents_than_there_are_is_refused(int shown, string? says)
    {
        await using var server = await ElasticsearchServer.FindAsync(ServerKind.OpenSearch, Sources.Ct);
        await using var index = await TestIndex.CreateAsync(server);
        await index.PutAsync(0, 20);
        await using var proxy = new AnswerProxy(server)
        {
            Change = (path, answer) => path.Contains("/_count", StringComparison.Ordinal) && answer.Text.Contains("\"count\":20", StringComparison.Ordinal)
                ? ProxiedAnswer.Json(200, answer.Text.Replace("\"count\":20", $"\"count\":{shown}", StringComparison.Ordinal))
                : answer,
        };
        await IsSaidAsync(index.Options with { Url = proxy.Address, User = "somebody", Password = new Secret("p") }, "", says);
    }

    private static string Entry(string names, string privileges, string more = "") => $$"""{"names":["{{names}}"],"privileges":["{{privileges}}"]{{more}}}""";

    private static async Task IsSaidAsync(ElasticsearchSourceOptions options, string entries, string? says)
    {
        await using var source = Sources.Open(options);
        var health = await Health.OfAsync(source);
        Assert.True(says is null == health.Problem is null, $"{entries}: {health.Problem?.Message}");
        Assert.Empty(health.Warnings);
        if (says is null) return;
        Assert.Equal("elasticsearch.hidden", health.Problem!.Code);
        Assert.Contains(says, health.Problem.Message, StringComparison.Ordinal);
    }
}
