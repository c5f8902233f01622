using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Engine;

public sealed class WriteQueueTests : IDisposable
{
    private static readonly UnitSize Large = new(10_000, 1 << 20);

    private readonly ByteBudget _budget = new(long.MaxValue);
    private readonly RunAccount _account = new();
    private readonly CheckpointTracker _tracker = new(new PartitionProgress(new Position("start"), 0));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _tracker.Dispose();

    [Fact]
    public async Task Of_one_key_all_records_go_through_one_lane_in_order()
    {
        var lanes = new KeyLanes(5, compact: false);
        for (var batch = 0; batch < 8; batch++) await lanes.AddAsync(await BatchAsync(Enumerable.Range(0, 100).Select(i => ($"k{i % 17}.00", $"{batch:00}.{i:00}"))), Ct);
        lanes.Complete();
        var laneOf = new Dictionary<string, int>();
        var last = new Dictionary<string, string>();
        var total = 0;
        for (var lane = 0; lane < 5; lane++)
        {
            while (await lanes.TakeAsync(lane, new UnitSize(7, 1 << 20), Ct) is { } unit)
            {
                Assert.InRange(unit.Count, 1, 7);
                foreach (var (key, json) in Read(unit))
                {
                    Assert.Equal(lane, laneOf.GetValueOrDefault(key, lane));
                    Assert.True(string.CompareOrdinal(last.GetValueOrDefault(key, ""), json) < 0, $"{json} after {last.GetValueOrDefault(key)}");
                    (laneOf[key], last[key]) = (lane, json);
                    total++;
                }
            }
        }

        Assert.Equal(800, total);
        Assert.True(laneOf.Values.Distinct().Count() > 1);
    }

    [Fact]
    public async Task Numbers_that_rise_go_through_the_lanes_in_runs_of_a_hundred()
    {
        var lanes = new KeyLanes(4, compact: true);
        await lanes.AddAsync(await BatchAsync(Enumerable.Range(0, 2000).Select(i => ($"key-{i:0000}", "{}"))), Ct);
        lanes.Complete();
        var lanesOf = new Dictionary<string, HashSet<int>>();
        for (var lane = 0; lane < 4; lane++)
        {
            while (await lanes.TakeAsync(lane, new UnitSize(5000, 1 << 20), Ct) is { } unit)
            {
                foreach (var (key, _) in Read(unit))
                {
                    if (!lanesOf.TryGetValue(key[..^2], out var used)) lanesOf[key[..^2]] = used = [];
                    used.Add(lane);
                }
            }
        }

        Assert.Equal(20, lanesOf.Count);
        Assert.All(lanesOf.Values, used => Assert.Single(used));
        Assert.Equal(4, lanesOf.Values.SelectMany(used => used).Distinct().Count());
    }

    [Fact]
    public async Task A_unit_keeps_the_last_record_of_each_key_where_it_stands()
    {
        var lanes = new KeyLanes(1, compact: true);
        await lanes.AddAsync(await BatchAsync([("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")]), Ct);
        await lanes.AddAsync(await BatchAsync([("b", "5"), ("d", "6")]), Ct);
        lanes.Complete();
        var unit = (await lanes.TakeAsync(0, Large, Ct))!;
        Assert.Equal([("a", "3"), ("c", "4"), ("b", "5"), ("d", "6")], Read(unit));
        unit.Note(4, 0, 0);
        unit.Finish(_account);
        var totals = _account.Totals();
        Assert.Equal((4, 2, 0), (totals.Written, totals.Unchanged, _tracker.Outstanding));
        Assert.Null(await lanes.TakeAsync(0, Large, Ct));
    }

    [Fact]
    public async Task Compacting_agrees_with_a_dictionary_on_random_units()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var lanes = new KeyLanes(1, compact: true);
            var records = Enumerable.Range(0, random.Next(1, 300)).Select(i => ($"k{random.Next(40)}", $"{i}")).ToArray();
            foreach (var part in records.Chunk(50)) await lanes.AddAsync(await BatchAsync(part), Ct);
            lanes.Complete();
            var unit = (await lanes.TakeAsync(0, Large, Ct))!;
            var expected = records.Where((r, i) => !records.Skip(i + 1).Any(later => later.Item1 == r.Item1));
            Assert.Equal(expected, Read(unit));
            for (var i = 0; i < unit.Count; i++) Assert.Contains(Read(unit)[i], ReadAll(unit.OwnerOf(i).Batch));
        }
    }

    [Fact]
    public async Task A_unit_holds_no_more_bytes_than_asked_unless_one_record_alone_does()
    {
        foreach (var queue in (WriteQueue[])[new KeyLanes(1, compact: false), new SharedQueue()])
        {
            await queue.AddAsync(await BatchAsync([("a", new string('1', 40)), ("b", new string('2', 40)), ("c", new string('3', 500)), ("d", "4")]), Ct);
            queue.Complete();
            var size = new UnitSize(100, 90);
            Assert.Equal(["a", "b"], Read((await queue.TakeAsync(0, size, Ct))!).Select(r => r.Key));
            Assert.Equal(["c"], Read((await queue.TakeAsync(0, size, Ct))!).Select(r => r.Key));
            Assert.Equal(["d"], Read((await queue.TakeAsync(0, size, Ct))!).Select(r => r.Key));
            Assert.Null(await queue.TakeAsync(0, size, Ct));
        }
    }

    [Fact]
    public async Task A_unit_says_whether_it_ends_with_its_batch()
    {
        var lanes = new KeyLanes(1, compact: false);
        await lanes.AddAsync(await BatchAsync([("a", "1"), ("b", "2"), ("c", "3")]), Ct);
        await lanes.AddAsync(await BatchAsync([("d", "4")]), Ct);
        await lanes.AddAsync(await BatchAsync([("e", "5"), ("f", "6")]), Ct);
        lanes.Complete();
        var units = new List<(string Keys, bool EndsBatch)>();
        while (await lanes.TakeAsync(0, new UnitSize(2, 1000), Ct) is { } unit) units.Add((string.Concat(Read(unit).Select(r => r.Key)), unit.EndsBatch));
        Assert.Equal([("ab", false), ("cd", true), ("ef", true)], units);
    }

    [Fact]
    public async Task Without_compacting_no_batch_is_begun_that_does_not_fit_as_a_whole()
    {
        var lanes = new KeyLanes(1, compact: false);
        foreach (var keys in (string[])["abc", "de", "fghijkl", "m"]) await lanes.AddAsync(await BatchAsync(keys.Select(k => (k.ToString(), "1"))), Ct);
        lanes.Complete();
        var units = new List<(string Keys, bool EndsBatch)>();
        while (await lanes.TakeAsync(0, new UnitSize(4, 1000), Ct) is { } unit) units.Add((string.Concat(Read(unit).Select(r => r.Key)), unit.EndsBatch));
        Assert.Equal([("abc", true), ("de", true), ("fghi", false), ("jklm", true)], units);
    }

    [Fact]
    public async Task Any_writer_takes_what_is_next_and_each_record_is_taken_once()
    {
        using var queue = new SharedQueue();
        var taken = new List<string>();
        var writers = Enumerable.Range(0, 4).Select(async writer =>
        {
            await Task.Yield();
            while (await queue.TakeAsync(writer, new UnitSize(9, 1 << 20), Ct) is { } unit)
            {
                lock (taken) taken.AddRange(Read(unit).Select(r => r.Key));
                unit.Note(unit.Count, 0, 0);
                unit.Finish(_account);
            }
        }).ToArray();
        for (var batch = 0; batch < 50; batch++) await queue.AddAsync(await BatchAsync(Enumerable.Range(0, 20).Select(i => ($"{batch}.{i}", "x"))), Ct);
        queue.Complete();
        await Task.WhenAll(writers);
        Assert.Equal(1000, taken.Count);
        Assert.Equal(1000, taken.Distinct().Count());
        Assert.Equal((0, 0L), (_tracker.Outstanding, _budget.Used));
    }

    [Fact]
    public async Task A_full_queue_makes_the_reader_wait()
    {
        using var queue = new SharedQueue();
        Task adding = Task.CompletedTask;
        var added = 0;
        for (; added < 10_000 && adding.IsCompleted; added++) adding = queue.AddAsync(await BatchAsync([($"{added}", "x")]), Ct).AsTask();
        Assert.False(adding.IsCompleted);
        Assert.InRange(added, 2, 1000);
        await queue.TakeAsync(0, Large, Ct);
        await adding;
    }

    [Fact]
    public async Task An_answer_that_does_not_add_up_is_a_defect_that_is_told()
    {
        var lanes = new KeyLanes(1, compact: false);
        await lanes.AddAsync(await BatchAsync([("a", "1"), ("b", "2")]), Ct);
        var unit = (await lanes.TakeAsync(0, Large, Ct))!;
        unit.Note(1, 0, 0);
        Assert.Contains("1 written", Assert.Throws<InvalidOperationException>(() => unit.Finish(_account)).Message, StringComparison.Ordinal);
    }

    private static List<(string Key, string Json)> Read(WriteUnit unit)
    {
        var read = new List<(string, string)>();
        foreach (ref readonly var record in unit.Slice.Records) read.Add((Encoding.UTF8.GetString(record.Key.Span), Encoding.UTF8.GetString(record.Json.Span)));
        return read;
    }

    private static List<(string Key, string Json)> ReadAll(RecordBatch batch)
    {
        var read = new List<(string, string)>();
        foreach (ref readonly var record in batch.Records.Span) read.Add((Encoding.UTF8.GetString(record.Key.Span), Encoding.UTF8.GetString(record.Json.Span)));
        return read;
    }

    private async Task<InFlightBatch> BatchAsync(IEnumerable<(string Key, string Json)> records)
    {
        using var builder = new RecordBatchBuilder(64);
        foreach (var (key, json) in records) builder.Add(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(json), RecordOperation.Upsert, 0, 0);
        var batch = builder.Build(new Position("end"), 0, "test");
        var ticket = await _tracker.TrackAsync(batch.End, batch.Count, Ct);
        await _budget.TakeAsync(batch.Bytes, Ct);
        return new InFlightBatch(batch, new PartitionId("p"), ticket, _budget, _account, 0);
    }
}
