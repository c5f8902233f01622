using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Tests.Sinks;

public sealed class SliceBisectionTests
{
    private static readonly ErrorCode Refused = new("test.refused", FailureKind.Permanent, "m", "r");
    private static readonly ErrorCode Down = new("test.down", FailureKind.Transient, "m", "r");

    [Fact]
    public async Task Exactly_the_bad_ones_are_found_for_any_set_of_them()
    {
        const int Seed = 7;
        var random = new Random(Seed);
        for (var round = 0; round < 300; round++)
        {
            var count = random.Next(40);
            var bad = Enumerable.Range(0, count).Where(_ => random.Next(5) == 0).ToHashSet();
            var written = new List<int>();
            var result = await SliceBisection.WriteAsync(
                count,
                (first, n, _) =>
                {
                    var range = Enumerable.Range(first, n).ToArray();
                    if (range.Any(bad.Contains)) throw Refused.Error($"bad in {first}+{n}");
                    written.AddRange(range);
                    return Task.FromResult(WriteResult.All(n));
                },
                e => e.Error == Refused,
                CancellationToken.None);
            Assert.Equal(bad.Order(), result.Failures.Select(f => f.Index));
            Assert.Equal(count - bad.Count, result.Written);
            Assert.Equal(Enumerable.Range(0, count).Where(i => !bad.Contains(i)), written);
        }
    }

    [Fact]
    public async Task Failures_of_the_parts_keep_their_places()
    {
        var result = await SliceBisection.WriteAsync(
            8,
            (first, n, _) => n > 2
                ? throw Refused.Error("too many")
                : Task.FromResult(new WriteResult(n - 1, 0, [new RecordFailure(1, Down, $"{first + 1}", TimeSpan.FromSeconds(first))])),
            e => e.Error == Refused,
            CancellationToken.None);
        Assert.Equal((4, 0), (result.Written, result.Unchanged));
        Assert.Equal([1, 3, 5, 7], result.Failures.Select(f => f.Index));
        Assert.All(result.Failures, f => Assert.Equal((f.Index.ToString(), f.Index - 1), (f.Reason, (int)f.RetryAfter!.Value.TotalSeconds)));
    }

    [Fact]
    public async Task Any_other_failure_ends_the_write()
    {
        var calls = 0;
        var error = await Assert.ThrowsAsync<PipelineException>(() => SliceBisection.WriteAsync(
            8, (_, n, _) => ++calls == 3 ? throw Down.Error("down") : n > 2 ? throw Refused.Error("bad") : Task.FromResult(WriteResult.All(n)), e => e.Error == Refused, CancellationToken.None));
        Assert.Equal((Down, 3), (error.Error, calls));
    }
}
