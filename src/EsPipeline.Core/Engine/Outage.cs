using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Whether one end can be reached, as all readers or writers of a run see it together: one log line when it goes down, one when it is
/// back, and whoever waits goes on as soon as anybody gets through.
/// </summary>
/// <param name="end">What it is called in the log: <c>source elasticsearch</c>.</param>
/// <param name="log">Where the two lines go.</param>
/// <param name="time">The clock.</param>
internal sealed class Outage(string end, ILogger log, TimeProvider time)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _back;
    private long _since;
    private long _successes;

    /// <summary>Since when the end has been down; null while it is up.</summary>
    public TimeSpan? DownFor
    {
        get
        {
            lock (_lock) return _back is null ? null : time.GetElapsedTime(_since);
        }
    }

    /// <summary>How often the end has answered, to anybody.</summary>
    public long Successes => Interlocked.Read(ref _successes);

    /// <summary>The last failure that was tried again.</summary>
    public RunError? LastError { get; private set; }

    /// <summary>A try failed, and there will be another.</summary>
    public void Note(PipelineException error) => LastError = new RunError(error.Code, error.Message, time.GetUtcNow());

    /// <summary>The end was tried again and failed again.</summary>
    public void Failed(PipelineException error)
    {
        lock (_lock)
        {
            if (_back is not null) return;
            _back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _since = time.GetTimestamp();
        }

        Log.EndDown(log, end, error.Message, error.Code);
    }

    /// <summary>The end answered.</summary>
    public void Succeeded()
    {
        Interlocked.Increment(ref _successes);
        if (_back is null) return;
        TimeSpan down;
        lock (_lock)
        {
            if (_back is null) return;
            down = time.GetElapsedTime(_since);
            _back.TrySetResult();
            _back = null;
        }

        Log.EndBack(log, end, down.TotalSeconds);
    }

    /// <summary>Waits for the pause to pass, or for the end to be back, where it is down.</summary>
    public async Task PauseAsync(TimeSpan pause, CancellationToken ct)
    {
        Task? back;
        lock (_lock) back = _back?.Task;
        if (back is null)
        {
            await Task.Delay(pause, time, ct).ConfigureAwait(false);
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(back, Task.Delay(pause, time, ended.Token)).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        ct.ThrowIfCancellationRequested();
    }
}
