using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Engine;

/// <summary>Keeps the job's note of how the run stands, every two seconds, and of how it ended.</summary>
internal sealed class RunNotes : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    private readonly PipelineSetup _setup;
    private readonly IJobState _state;
    private readonly Func<RunProgress> _progress;
    private readonly RunRecord _first;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _loop;
    private bool _failed;

    public RunNotes(PipelineSetup setup, IJobState state, Func<RunProgress> progress)
    {
        (_setup, _state, _progress) = (setup, state, progress);
        var now = setup.Time.GetUtcNow();
        _first = new RunRecord
        {
            Id = now.ToString("yyyyMMdd'T'HHmmss.fff'Z'", CultureInfo.InvariantCulture),
            Mode = EnumText.Kebab(setup.Mode),
            Source = setup.From.Name,
            Sink = setup.To.Name,
            ProcessId = Environment.ProcessId,
            Host = Environment.MachineName,
            Started = now,
        };
        _loop = LoopAsync();
    }

    /// <summary>What the store has said of the lock that it lost; null where it has not.</summary>
    public PipelineException? Lost { get; private set; }

    /// <summary>Notes nothing more by itself; what the store has said until then is known.</summary>
    public async Task StopAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
    }

    /// <summary>Notes the end.</summary>
    public async Task EndAsync(RunResult result)
    {
        await StopAsync().ConfigureAwait(false);
        var note = Now(result.Account) with { Ended = _setup.Time.GetUtcNow(), Outcome = result.Outcome };
        if (result.Error is { } error) note = note with { LastError = new RunError(error.Code, error.Message, _setup.Time.GetUtcNow()) };
        await NoteAsync(note).ConfigureAwait(false);
    }

    public void Dispose() => _ended.Dispose();

    private async Task LoopAsync()
    {
        await Task.Yield();
        while (!_ended.IsCancellationRequested)
        {
            await NoteAsync(Now(_progress().Account)).ConfigureAwait(false);
            await Task.Delay(Every, _setup.Time, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private RunRecord Now(AccountTotals account)
    {
        var now = _setup.Time.GetUtcNow();
        var seconds = (now - _first.Started).TotalSeconds;
        var progress = _progress();
        return _first with
        {
            Updated = now,
            Account = account,
            Rate = seconds > 0 ? Math.Round(account.Read / seconds, 1) : 0,
            LagSeconds = progress.Lag?.TotalSeconds,
            LastError = progress.LastError,
        };
    }

    // A note guards nothing: where it can't be written the run goes on, and its checkpoint will tell whether the state is usable.
    private async Task NoteAsync(RunRecord note)
    {
        try
        {
            await _state.NoteRunAsync(note, CancellationToken.None).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == CheckpointErrors.JobLost)
        {
            Lost ??= e;
        }
        catch (PipelineException e)
        {
            if (!_failed) Log.NoteFailed(_setup.Log, e.Message);
            _failed = true;
        }
    }
}
