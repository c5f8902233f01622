using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Api.Tests;

/// <summary>A state folder with a job that has run once and is running again.</summary>
internal sealed class PipelineState : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private IJobState? _job;
    private RunRecord? _run;

    /// <summary>The folder.</summary>
    public string Path => _folder.Path;

    public static async Task<PipelineState> CreateAsync()
    {
        var state = new PipelineState();
        state._job = await new FileStateStore(state.Path, TimeProvider.System).OpenAsync("orders", SearchServer.Ct);
        var now = TimeProvider.System.GetUtcNow();
        await state._job.NoteRunAsync(Run("1", now.AddHours(-1), new AccountTotals(500, 490, 3, 0, 7, 2, 60_000, 0)) with { Ended = now.AddMinutes(-50), Outcome = RunOutcome.DoneWithDeadLetters }, SearchServer.Ct);
        state._run = Run("2", now.AddMinutes(-1), new AccountTotals(1000, 900, 0, 0, 3, 12, 123_456, 0)) with { LastError = new RunError("mysql.deadlock", "The server gave up one of two transactions.", now) };
        await state._job.NoteRunAsync(state._run, SearchServer.Ct);
        return state;
    }

    /// <summary>Has the run end.</summary>
    public Task FinishAsync() => _job!.NoteRunAsync(
        _run! with { Account = new AccountTotals(2000, 1997, 0, 0, 3, 12, 250_000, 0), Ended = TimeProvider.System.GetUtcNow(), Outcome = RunOutcome.DoneWithDeadLetters }, SearchServer.Ct);

    public void Dispose()
    {
        _job?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }

    private static RunRecord Run(string id, DateTimeOffset started, AccountTotals account) => new()
    {
        Id = id, Mode = "full-sync", Source = "elasticsearch", Sink = "mysql", ProcessId = 1, Host = "test", Started = started, Updated = TimeProvider.System.GetUtcNow(), Account = account, Rate = 123,
    };
}
