using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Tests.Engine;

public sealed class RetryPolicyTests
{
    private static readonly ErrorCode Transient = new("test.busy", FailureKind.Transient, "It is busy.", "Wait.");
    private static readonly ErrorCode Permanent = new("test.bad", FailureKind.Permanent, "It is bad.", "Mend it.");
    private static readonly ErrorCode Password = new("test.password", FailureKind.Environment, "The password is wrong.", "Give the right one.");

    private readonly FakeTime _time = new();
    private readonly ListLogger _log = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_transient_failure_is_tried_again_with_growing_pauses_until_it_passes()
    {
        var (calls, at) = (0, new List<double>());
        var answer = await _time.RunAsync(Policy().CallAsync(
            _ =>
            {
                at.Add(_time.Elapsed.TotalSeconds);
                return ++calls < 5 ? throw Transient.Error("Busy.") : Task.FromResult(42);
            },
            Ct));
        Assert.Equal((42, 5), (answer, calls));
        double[] pauses = [.. at.Zip(at.Skip(1), (a, b) => b - a)];
        Assert.All(pauses.Index(), p => Assert.InRange(p.Item, 0.7 * Math.Pow(2, p.Index), 1.3 * Math.Pow(2, p.Index)));
    }

    [Fact]
    public async Task The_count_of_tries_is_a_budget()
    {
        var calls = 0;
        var spent = await FailsAsync(Policy(retries: 3), () => Transient.Error($"Busy {++calls}."));
        Assert.Equal(4, calls);
        Assert.Equal("run.retries_exhausted", spent.Code);
        Assert.StartsWith("Busy 4. Tried 4 times in ", spent.Message, StringComparison.Ordinal);
        Assert.EndsWith("(test.busy).", spent.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Time_is_a_budget_too()
    {
        var spent = await FailsAsync(Policy(retries: 1_000_000, budget: TimeSpan.FromMinutes(10)), () => Transient.Error("Busy."));
        Assert.Equal("run.retries_exhausted", spent.Code);
        Assert.InRange(_time.Elapsed.TotalMinutes, 10, 11.1);
    }

    [Fact]
    public async Task A_success_in_between_begins_both_budgets_anew()
    {
        var attempts = Policy(retries: 2).Begin();
        for (var round = 0; round < 10; round++)
        {
            await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
            await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
            attempts.Succeeded();
        }

        Assert.Equal(0, attempts.Failed);
    }

    [Fact]
    public async Task An_answer_that_gains_nothing_leaves_the_count_and_its_time_is_not_held_against_the_budget()
    {
        var attempts = Policy(retries: 3, budget: TimeSpan.FromMinutes(1)).Begin();
        for (var tries = 1; tries <= 3; tries++)
        {
            await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
            _time.Advance(TimeSpan.FromHours(1));
            attempts.Answered();
            Assert.Equal(tries, attempts.Failed);
        }

        var spent = await Assert.ThrowsAsync<PipelineException>(() => attempts.AgainAsync(Transient.Error("Busy."), Ct));
        Assert.StartsWith("Busy. Tried 4 times in ", spent.Message, StringComparison.Ordinal);
        Assert.Equal((1, 0), (_log.Count(1000), _log.Count(1001)));
    }

    [Fact]
    public async Task The_time_in_which_nothing_comes_is_held_against_it()
    {
        var attempts = Policy(retries: 100, budget: TimeSpan.FromMinutes(1)).Begin();
        await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
        attempts.Answered();
        _time.Advance(TimeSpan.FromMinutes(2));
        await Assert.ThrowsAsync<PipelineException>(() => attempts.AgainAsync(Transient.Error("Busy."), Ct));
    }

    [Fact]
    public async Task The_systems_own_delay_is_waited()
    {
        var attempts = Policy().Begin();
        await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy.", retryAfter: TimeSpan.FromSeconds(77)), Ct));
        Assert.Equal(TimeSpan.FromSeconds(77), _time.Elapsed);
    }

    [Fact]
    public async Task What_can_not_pass_is_not_tried_again()
    {
        foreach (var error in (ErrorCode[])[Permanent, Password])
        {
            var calls = 0;
            var thrown = await FailsAsync(Policy(), () => error.Error($"Call {++calls}."));
            Assert.Equal((error, 1, TimeSpan.Zero), (thrown.Error, calls, _time.Elapsed));
        }
    }

    [Fact]
    public async Task In_continuous_mode_a_wrong_password_is_waited_out_but_only_after_it_was_right_once()
    {
        var policy = Policy(retries: 0, budget: TimeSpan.Zero, forever: true);
        Assert.Equal(Password, (await FailsAsync(policy, () => Password.Error("Wrong."))).Error);

        var calls = 0;
        policy.Prove();
        await _time.RunAsync(policy.CallAsync(_ => ++calls < 100 ? throw Password.Error("Wrong.") : Task.FromResult(0), Ct));
        Assert.Equal(100, calls);
        Assert.True(_time.Elapsed > TimeSpan.FromMinutes(50));
        Assert.Equal((1, 1), (_log.Count(1000), _log.Count(1001)));
    }

    [Fact]
    public async Task What_waiting_can_not_mend_ends_a_continuous_run_too()
    {
        var policy = Policy(retries: 0, budget: TimeSpan.Zero, forever: true);
        policy.Prove();
        var gone = Password with { EndsRun = true };
        Assert.Equal(gone, (await FailsAsync(policy, () => gone.Error("The index is another one."))).Error);
        Assert.Equal(0, _log.Count(1000));
    }

    [Fact]
    public async Task One_failure_is_no_outage_two_are()
    {
        var attempts = Policy().Begin();
        await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
        Assert.Empty(_log.Lines);
        await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
        Assert.Single(_log.Lines);
        await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
        Assert.Single(_log.Lines);
        attempts.Succeeded();
        Assert.Equal(2, _log.Lines.Count);
    }

    [Fact]
    public async Task An_end_that_takes_what_others_bring_is_not_down_and_no_pause_is_cut_short_by_them()
    {
        var policy = Policy();
        var (attempts, others) = (policy.Begin(), policy.Begin());
        for (var i = 0; i < 5; i++)
        {
            var waiting = attempts.AgainAsync(Transient.Error("Busy."), Ct);
            others.Succeeded();
            Assert.False(waiting.IsCompleted);
            await _time.RunAsync(waiting);
        }

        Assert.Empty(_log.Lines);
        Assert.InRange(_time.Elapsed.TotalSeconds, 0.7 * 31, 1.3 * 31);

        // Once nobody gets through any more it is.
        await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
        await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
        Assert.Equal(1, _log.Count(1000));
    }

    [Fact]
    public async Task The_systems_own_delay_is_waited_though_others_are_served_meanwhile()
    {
        var policy = Policy();
        var (attempts, others) = (policy.Begin(), policy.Begin());
        for (var i = 0; i < 3; i++) await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct));
        var before = _time.Elapsed;
        var waiting = attempts.AgainAsync(Transient.Error("Busy.", retryAfter: TimeSpan.FromSeconds(77)), Ct);
        others.Succeeded();
        await _time.RunAsync(waiting);
        Assert.Equal(TimeSpan.FromSeconds(77), _time.Elapsed - before);
    }

    [Fact]
    public async Task A_failure_of_some_records_only_is_no_outage()
    {
        var attempts = Policy().Begin();
        for (var i = 0; i < 5; i++) await _time.RunAsync(attempts.AgainAsync(Transient.Error("Busy."), Ct, wholeEnd: false));
        Assert.Empty(_log.Lines);
    }

    private RetryPolicy Policy(int retries = 10, TimeSpan? budget = null, bool forever = false) => new(
        new RetryOptions(retries, TimeSpan.FromSeconds(1), budget ?? TimeSpan.FromHours(10), forever), new Outage("test", _log, _time), new Random(3), _time);

    private Task<PipelineException> FailsAsync(RetryPolicy policy, Func<PipelineException> failure) =>
        Assert.ThrowsAsync<PipelineException>(() => _time.RunAsync(policy.CallAsync<int>(_ => throw failure(), Ct)));
}
