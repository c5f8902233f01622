using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>A rehearsal where there is no table yet.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlRehearsalTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Characters of the longest key: 768 of VARCHAR(768), 3,072 bytes of VARBINARY(3072).
    [Theory]
    [InlineData(MySqlKeyType.Text, 768)]
    [InlineData(MySqlKeyType.Bytes, 1536)]
    public async Task A_table_that_is_only_imagined_refuses_what_the_one_that_is_made_refuses(MySqlKeyType keyType, int longest)
    {
        await using var database = await servers.NewDatabaseAsync();
        var options = database.Options with { KeyType = keyType };
        using var batch = Conformance.Slices.Of([new Document(new string('ü', longest), "{}"), new Document(new string('ü', longest + 1), "{}"), .. Corpus.Plain(3)]);
        await using var sink = database.Sink(options);
        Assert.Contains(await sink.PrepareRehearsalAsync(SourceSchema.Unknown, reachable: true, Ct), n => n.Contains("docs", StringComparison.Ordinal));
        var rehearsed = await sink.RehearseAsync(batch.Slice(), Ct);
        Assert.Empty(await database.RowsAsync($"SHOW TABLES FROM {database.Name}"));

        await using var writing = database.Sink(options);
        await writing.PrepareAsync(SourceSchema.Unknown, Ct);
        var written = await writing.WriteAsync(batch.Slice(), Ct);
        Assert.Equal(1, Assert.Single(rehearsed.Failures).Index);
        Assert.Equal(written.Failures, rehearsed.Failures);
        Assert.Equal(1, rehearsed.Requests);
    }

    [Fact]
    public async Task Columns_that_nobody_knows_yet_are_not_made()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = database.Sink(database.Options with { Shape = MySqlShape.Columns });
        var notes = await sink.PrepareRehearsalAsync(SourceSchema.Unknown, reachable: true, Ct);
        Assert.Contains("only sizes", Assert.Single(notes), StringComparison.Ordinal);
        using var batch = Conformance.Slices.Of([.. Corpus.Plain(3)]);
        Assert.Empty((await sink.RehearseAsync(batch.Slice(), Ct)).Failures);
        Assert.Empty(await database.RowsAsync($"SHOW TABLES FROM {database.Name}"));
    }
}
