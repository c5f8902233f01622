using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Columns that come, go or change: while a pass that was planned without them is read, and between two.</summary>
public sealed class ChangedColumnsTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("updated column")]
    [InlineData("age")]
    [InlineData("log")]
    public async Task A_column_that_came_after_the_pass_was_planned_is_in_every_document_that_was_written_with_it(string way)
    {
        await using var table = await WideTable.MakeAsync(await shared.GetAsync());
        var options = table.Options(way == "log" ? FollowWay.Changes : FollowWay.UpdatedColumn) with { UpdatedColumn = way == "updated column" ? "updated" : "" };
        await using var first = new Following(options);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.PassAsync(ReadKind.Changes, Ct);
        await first.DisposeAsync();

        var (held, saved) = (new Dictionary<string, string>(first.Held), first.Saved.ToDictionary());
        await using var source = new PostgresSource(
            options, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), new SourceTuning { HorizonMargin = TimeSpan.Zero, BatchRecords = 10 });
        for (var pass = 0; pass < 4; pass++)
        {
            var partitions = await source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, saved), Ct);
            if (pass == 0)
            {
                await table.Server.ExecuteAsync($"ALTER TABLE {table.Name} ADD COLUMN later int DEFAULT 7; UPDATE {table.Name} SET word = 'with it', updated = clock_timestamp() WHERE id <= 40");
                await table.Server.IsAtRestAsync();
            }

            foreach (var partition in partitions)
            {
                try
                {
                    await ReadAsync(source, partition, held, saved);
                }
                catch (PipelineException)
                {
                    // The next pass is planned anew.
                    break;
                }
            }
        }

        var wanted = (await table.DocumentsAsync()).ToDictionary(d => d.Key, d => d.Json);
        ContentAssert.Same(Enumerable.Range(1, 40).Select(i => new Document($"{i}", wanted[$"{i}"])), held.Where(h => int.Parse(h.Key) <= 40).ToDictionary());
    }

    [Theory]
    [InlineData(FollowWay.Changes)]
    [InlineData(FollowWay.UpdatedColumn)]
    public async Task Other_columns_are_told_once_with_what_mends_the_documents_that_are_not_written_again(FollowWay way)
    {
        await using var table = await WideTable.MakeAsync(await shared.GetAsync());
        await table.Server.ExecuteAsync($"ALTER TABLE {table.Name} ADD COLUMN short varchar(5)");
        IReadOnlyDictionary<PartitionId, Position> saved = new Dictionary<PartitionId, Position>();
        Assert.Equal(0, await ToldAsync(ReadKind.Snapshot));
        Assert.Equal(1, await ToldAsync(ReadKind.Changes, () => AlterAsync("ADD COLUMN later int DEFAULT 7")));
        Assert.Equal(0, await ToldAsync(ReadKind.Changes));

        // While no run is there, or one is.
        await AlterAsync("DROP COLUMN gone");
        Assert.Equal(1, await ToldAsync(ReadKind.Changes));
        Assert.Equal(1, await ToldAsync(ReadKind.Changes, () => AlterAsync("ALTER COLUMN later TYPE numeric(10, 2)")));
        Assert.Equal(0, await ToldAsync(ReadKind.Changes, () => AlterAsync("ALTER COLUMN short TYPE varchar(50)")));

        // A checkpoint of a release that did not save it says nothing of it.
        saved = saved.Where(s => !s.Key.Value.EndsWith("!columns", StringComparison.Ordinal)).ToDictionary();
        await AlterAsync("ADD COLUMN latest int");
        Assert.Equal(0, await ToldAsync(ReadKind.Changes));
        await AlterAsync("ADD COLUMN last int");
        Assert.Equal(1, await ToldAsync(ReadKind.Changes));

        Task AlterAsync(string what) => table.Server.ExecuteAsync($"ALTER TABLE {table.Name} {what}");

        // By one source, which does something between the first pass and two more.
        async Task<int> ToldAsync(ReadKind first, Func<Task>? then = null)
        {
            var log = new ListLog<PostgresSource>();
            await using var following = new Following(table.Options(way), log: log) { Saved = saved };
            await following.PassAsync(first, Ct);
            if (then is not null) await then();
            await following.PassAsync(ReadKind.Changes, Ct);
            await following.PassAsync(ReadKind.Changes, Ct);
            saved = following.Saved;
            return log.Lines.Count(l => l.Contains($"public.{table.Name} has other columns than before", StringComparison.Ordinal));
        }
    }

    private static async Task ReadAsync(PostgresSource source, Partition partition, Dictionary<string, string> held, Dictionary<PartitionId, Position> saved)
    {
        await foreach (var batch in source.ReadAsync(partition, saved.GetValueOrDefault(partition.Id, partition.Start), Ct))
        {
            using (batch)
            {
                foreach (var record in batch.Records.ToArray()) held[System.Text.Encoding.UTF8.GetString(record.Key.Span)] = System.Text.Encoding.UTF8.GetString(record.Json.Span);
                saved[partition.Id] = batch.End;
            }
        }
    }
}
