using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What <c>--es-index</c> may be.</summary>
public sealed class IndexExpressionTests(SharedServers servers)
{
    public static TheoryData<string, string> Refused => new()
    {
        { "", "empty" },
        { "a,", "empty" },
        { ",", "empty" },
        { "_all", "every index" },
        { "*", "every index" },
        { "**", "every index" },
        { "a,*", "every index" },
        { "-*", "leave something out" },
        { "a,-b", "leave something out" },
        { ".security*", "begins with a dot" },
        { ".", "begins with a dot" },
        { "..", "begins with a dot" },
        { "../_cluster/settings", "begins with a dot" },
        { "a/../_cluster/settings", "holds '/'" },
        { "a%2f_search", "holds a '%'" },
        { "a/b", "holds '/'" },
        { "a\\b", "holds '\\'" },
        { "a?x=1", "holds '?'" },
        { "a#b", "holds '#'" },
        { "a b", "holds ' '" },
        { "a\"b", "holds '\"'" },
        { "a|b", "holds '|'" },
        { "<logs-{now/d}>", "date math" },
        { "remote:idx", "another cluster" },
        { "*:*", "another cluster" },
        { "a\r\nHost: evil", "control character" },
        { "a\0", "control character" },
        { "a\u001b[2J", "control character" },
        { "_search", "no name begins with '_'" },
        { "+a", "no name begins with '+'" },
        { new string('a', 256), "longer than 255 bytes" },
        { new string('ü', 128), "longer than 255 bytes" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_name_that_means_something_else_is_refused_with_one_sentence(string expression, string said)
    {
        var mistake = IndexExpression.MistakeIn(expression);
        Assert.NotNull(mistake);
        Assert.Contains(said, mistake, StringComparison.Ordinal);
        Assert.DoesNotContain(mistake, char.IsControl);
        Assert.Single(new ElasticsearchSourceOptions { Index = expression.Length == 0 ? "," : expression }.Mistakes());
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("logs-*")]
    [InlineData("*-logs")]
    [InlineData("a,b,c-*")]
    [InlineData("größe-索引")]
    [InlineData("Alias_1.x+y&z=(1)'~!$@;")]
    public void Names_aliases_patterns_and_lists_are_taken(string expression)
    {
        Assert.Null(IndexExpression.MistakeIn(expression));
        Assert.DoesNotContain(IndexExpression.Encode(expression), c => c > 127 || "/?#&=+ ".Contains(c, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Any_name_that_the_server_takes_is_read(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        foreach (var name in new[] { "größe.索引-x", "a+b&c=(d)'~!$@;e", new string('n', 200) })
        {
            var unique = $"{name}{Guid.NewGuid():n}";
            await using var index = await TestIndex.CreateEncodedAsync(server, unique);
            await using var source = Sources.Open(index.Options with { Index = unique });
            Assert.Null((await Health.OfAsync(source)).Problem);
            Assert.Equal(["a"], (await source.SnapshotAsync()).Records.Select(r => r.Key));
        }
    }
}
