using System.Text;
using System.Text.Json;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Checkpoints;

public sealed class RunRecordTextTests
{
    private const string Whole =
        """{"id":"20260102T030405.006Z","mode":"full-sync","source":"csv","sink":"jsonl","process_id":4711,"host":"vm","started":"2026-01-02T03:04:05.0060001+00:00","updated":"2026-01-02T03:04:06+00:00","ended":"2026-01-02T03:04:07+00:00","outcome":"DoneWithDeadLetters","account":{"read":10,"written":1,"unchanged":2,"filtered":3,"dead_lettered":4,"retries":5,"bytes":9007199254740993,"unfinished":0,"finished":10,"balances":true},"rate":1250.5,"lag_seconds":0.25,"last_error":{"code":"csv.quote","message":"It\u0027s \u0022x\u0022.","at":"2026-01-02T03:04:06.5+00:00"}}""";

    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly RunRecord Run = new()
    {
        Id = "20260102T030405.006Z",
        Mode = "full-sync",
        Source = "csv",
        Sink = "jsonl",
        ProcessId = 4711,
        Host = "vm",
        Started = Start.AddTicks(60_001),
        Updated = Start.AddSeconds(1),
        Ended = Start.AddSeconds(2),
        Outcome = RunOutcome.DoneWithDeadLetters,
        Account = new AccountTotals(10, 1, 2, 3, 4, 5, 9007199254740993, 0),
        Rate = 1250.5,
        LagSeconds = 0.25,
        LastError = new RunError("csv.quote", "It's \"x\".", Start.AddSeconds(1.5)),
    };

    [Fact]
    public void A_record_is_written_as_it_was_by_every_release_and_reads_back()
    {
        Assert.Equal(Whole, Encoding.UTF8.GetString(RunRecordText.Write(Run)));
        Assert.Equal(Run, RunRecordText.Read(Whole));
    }

    [Fact]
    public void What_is_not_known_yet_is_left_out()
    {
        var run = Run with { Ended = null, LagSeconds = null, LastError = null, Outcome = RunOutcome.Running };
        var text = Encoding.UTF8.GetString(RunRecordText.Write(run));
        Assert.All(["ended", "lag_seconds", "last_error", "null"], name => Assert.DoesNotContain(name, text, StringComparison.Ordinal));
        Assert.Equal(run, RunRecordText.Read(text));
    }

    [Fact]
    public void A_name_that_a_later_release_adds_is_passed_over() =>
        Assert.Equal(Run, RunRecordText.Read(Whole.Replace("{\"id\"", "{\"later\":[1],\"id\"", StringComparison.Ordinal)));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"id\":7}")]
    public void What_is_no_record_is_told_as_bad_JSON(string text) => Assert.ThrowsAny<JsonException>(() => RunRecordText.Read(text));

    [Theory]
    [InlineData("\"mode\":\"full-sync\"", "\"mode\":null")]
    [InlineData("\"outcome\":\"DoneWithDeadLetters\"", "\"outcome\":\"Lost\"")]
    [InlineData("\"read\":10", "\"read\":\"10\"")]
    [InlineData("\"started\":\"2026", "\"started\":\"later 2026")]
    public void A_value_of_another_kind_is_told_as_bad_JSON(string value, string other) =>
        Assert.ThrowsAny<JsonException>(() => RunRecordText.Read(Whole.Replace(value, other, StringComparison.Ordinal)));
}
