using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A key that comes again in one write, when the sink does not take the record that would have replaced the others.</summary>
public sealed class RefusedRepeatsTests : IDisposable
{
    private static readonly IReadOnlyList<RecordFailure> None = [];

    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Theory]
    [InlineData(10)]
    [InlineData(1)]
    public async Task The_last_record_that_the_sink_takes_is_there_whether_it_came_in_one_write_or_in_several(int batchRecords)
    {
        Document[] documents =
        [
            new("a", """{"v":1}"""), new("b", """{"v":1}"""), new("a", """{"v":2}"""), new("c", """{"bad":1}"""),
            new("a", """{"bad":3}"""), new("c", """{"v":2}"""), new("a", """{"bad":4}"""), new("d", """{"bad":1}"""), new("d", """{"bad":2}"""),
        ];
        var (source, sink) = (new TestSource(documents) { Shape = p => p, BatchRecords = batchRecords }, new TestSink { Limits = OneWriter(batchRecords) });
        sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "bad", TestSink.Refused);
        var result = await _job.RunAsync(source, sink);
        ContentAssert.Same([new("a", """{"v":2}"""), new("b", """{"v":1}"""), new("c", """{"v":2}""")], sink.Documents);
        Assert.Equal(["""{"bad":2}""", """{"bad":4}"""], (await LettersAsync()).Order());
        Assert.Equal((RunOutcome.DoneWithDeadLetters, true), (result.Outcome, result.Account.Balances));
        Assert.Equal(batchRecords == 1 ? 5 : 4, result.Account.DeadLettered);
    }

    [Fact]
    public async Task A_record_that_is_too_large_to_be_sent_takes_the_place_of_none()
    {
        var large = $$"""{"v":"{{new string('x', 500)}}"}""";
        var sink = new TestSink { Limits = OneWriter(10) with { MaxRecordBytes = 200 } };
        var sent = new List<string>();
        sink.BeforeWrite = (slice, _) =>
        {
            foreach (var record in slice.Records) sent.Add(System.Text.Encoding.UTF8.GetString(record.Json.Span));
            return Task.FromResult(None);
        };
        Document[] documents = [new("a", """{"v":1}"""), new("b", "{}"), new("a", large), new("a", large.Replace('x', 'y'))];
        var result = await _job.RunAsync(new TestSource(documents) { Shape = p => p }, sink);
        Assert.Equal(new HashSet<string> { "{}", """{"v":1}""" }, sent.ToHashSet());
        Assert.Equal((2L, 2L, 0L), (result.Account.Written, result.Account.DeadLettered, result.Account.Unchanged));
        Assert.Equal([large.Replace('x', 'y')], await LettersAsync());
    }

    [Fact]
    public async Task A_record_that_is_tried_again_is_no_reason_to_write_the_one_before_it()
    {
        var (sink, fails) = (new TestSink { Limits = OneWriter(10) }, true);
        var sent = new List<int>();
        sink.BeforeWrite = (slice, _) =>
        {
            sent.Add(slice.Count);
            (var first, fails) = (fails, false);
            return Task.FromResult(first ? [new RecordFailure(0, TestSink.Busy, "Not now.")] : None);
        };
        Document[] documents = [new("a", """{"v":1}"""), new("a", """{"v":2}""")];
        var result = await _job.RunAsync(new TestSource(documents) { Shape = p => p }, sink);
        Assert.Equal([1, 1], sent);
        Assert.Equal((1L, 1L), (result.Account.Written, result.Account.Unchanged));
        ContentAssert.Same([new("a", """{"v":2}""")], sink.Documents);
    }

    [Fact]
    public async Task A_sink_that_keeps_the_first_is_given_every_record_in_order()
    {
        Document[] documents = [new("a", """{"v":1}"""), new("a", """{"v":2}"""), new("b", """{"v":3}"""), new("a", ""), new("a", """{"v":4}""")];
        var (sent, sink) = (new List<string>(), new TestSink { Limits = OneWriter(10), KeepsFirst = true });
        sink.BeforeWrite = (slice, _) =>
        {
            foreach (var record in slice.Records) sent.Add(System.Text.Encoding.UTF8.GetString(record.Json.Span));
            return Task.FromResult(None);
        };
        await _job.RunAsync(new TestSource(documents) { Shape = p => p }, sink);
        Assert.Equal(documents.Select(d => d.Json), sent);
    }

    private static SinkLimits OneWriter(int records) => new() { MaxRecords = records, StartRecords = records, Concurrency = 1 };

    private async Task<List<string>> LettersAsync()
    {
        var letters = new List<string>();
        await foreach (var letter in DeadLetterFile.ReadAsync(_job.DeadLetters, TestContext.Current.CancellationToken)) letters.Add(System.Text.Encoding.UTF8.GetString(letter.Document.Span));
        return letters;
    }
}
