using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>Records of later files count as newer: what that means for files that come in between two runs.</summary>
public sealed class FileOrderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<PartitionId, Position> _saved = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_new_file_in_front_of_one_that_was_read_makes_that_one_start_over()
    {
        await WriteAsync("0-empty", "");
        await WriteAsync("b", "{\"id\":\"k\",\"v\":\"b\"}\n");
        await WriteAsync("d", "{\"id\":\"k\",\"v\":\"d\"}\n");
        Assert.Equal([null, null, null], await RunAsync());
        Assert.Equal([null, null, null], await RunAsync());

        await WriteAsync("c", "{\"id\":\"k\",\"v\":\"c\"}\n");
        Assert.Equal([null, null, null, "'c.jsonl', which comes before it, is new"], await RunAsync());
        Assert.Equal([null, null, null, null], await RunAsync());
    }

    [Fact]
    public async Task A_file_that_grows_in_front_of_one_that_was_read_makes_that_one_start_over()
    {
        await WriteAsync("a", "{\"id\":\"k\",\"v\":\"a\"}\n");
        await WriteAsync("b", "{\"id\":\"k\",\"v\":\"b\"}\n");
        await RunAsync();
        await WriteAsync("a", "{\"id\":\"k\",\"v\":\"a\"}\n{\"id\":\"k\",\"v\":\"a2\"}\n");
        Assert.Equal([null, "'a.jsonl', which comes before it, has grown"], await RunAsync());
        Assert.Equal([null, null], await RunAsync());

        await WriteAsync("b", "{\"id\":\"k\",\"v\":\"b\"}\n{\"id\":\"k\",\"v\":\"b2\"}\n");
        Assert.Equal([null, null], await RunAsync());
    }

    [Fact]
    public async Task A_new_file_behind_all_that_were_read_is_read_alone()
    {
        await WriteAsync("a", "{\"id\":\"k\",\"v\":\"a\"}\n");
        await RunAsync();
        await WriteAsync("b", "{\"id\":\"k\",\"v\":\"b\"}\n");
        Assert.Equal([null, null], await RunAsync());
    }

    private Task WriteAsync(string name, string lines) => File.WriteAllTextAsync(_folder.File(name + ".jsonl"), lines, Ct);

    // Reads everything that is new; why each file starts over, in their order.
    private async Task<IEnumerable<string?>> RunAsync()
    {
        await using var source = new JsonLinesSource(new JsonLinesOptions { Files = [_folder.File("*.jsonl")] }, TimeProvider.System);
        var partitions = await source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, _saved), Ct);
        foreach (var partition in partitions)
        {
            var after = partition.StartsOverBecause is null && _saved.TryGetValue(partition.Id, out var position) ? position : partition.Start;
            await foreach (var batch in source.ReadAsync(partition, after, Ct))
            {
                using (batch) _saved[partition.Id] = batch.End;
            }
        }

        return partitions.Select(p => p.StartsOverBecause);
    }
}
