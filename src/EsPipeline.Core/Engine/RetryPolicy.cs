using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Engine;

/// <summary>How one end's failures are tried again; shared by all readers or all writers.</summary>
/// <param name="options">How often, and how long.</param>
/// <param name="outage">Told of each failure.</param>
/// <param name="random">Where jitter comes from.</param>
/// <param name="time">The clock.</param>
/// <param name="names">How the end's options are called in what a person is told; null for their plain names.</param>
internal sealed class RetryPolicy(RetryOptions options, Outage outage, Random random, TimeProvider time, PrefixedNames? names = null)
{
    private readonly Outage _outage = outage;
    private readonly TimeProvider _time = time;
    private readonly PrefixedNames? _names = names;
    private readonly Backoff _backoff = new(options.Delay, random);
    private volatile bool _proven;

    /// <summary>How often, and how long.</summary>
    public RetryOptions Options { get; } = options;

    /// <summary>The end has done its work once: from here on a failure that needs a person is waited out too, where the run waits for ever.</summary>
    public void Prove() => _proven = true;

    /// <summary>Begins a read or a write that may need several tries.</summary>
    public Attempts Begin() => new(this);

    /// <summary>Tries a call until it ends without failing.</summary>
    public Task CallAsync(Func<CancellationToken, Task> call, CancellationToken ct) => CallAsync(
        async stop =>
        {
            await call(stop).ConfigureAwait(false);
            return true;
        },
        ct);

    /// <summary>Tries a call until it answers.</summary>
    public async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken ct)
    {
        var attempts = Begin();
        while (true)
        {
            try
            {
                var answer = await call(ct).ConfigureAwait(false);
                _outage.Succeeded();
                return answer;
            }
            catch (PipelineException e)
            {
                await attempts.AgainAsync(e, ct).ConfigureAwait(false);
            }
        }
    }

    // A wrong password at the start is a mistake to be told at once; in a run that has worked for weeks it is an outage to be waited out.
    private bool MayPass(ErrorCode error) =>
        error.Kind == FailureKind.Transient || (error.Kind == FailureKind.Environment && !error.EndsRun && !error.PlansAnew && Options.Forever && _proven);

    /// <summary>The tries of one read or write.</summary>
    internal sealed class Attempts(RetryPolicy policy)
    {
        private readonly TimeProvider _time = policy._time;
        private long _firstFailure;
        private long _quietSince;
        private long _successesBefore;

        /// <summary>Failed tries since the last success.</summary>
        public int Failed { get; private set; }

        /// <summary>It worked, or some of it did: the count and the budget begin anew.</summary>
        public void Succeeded()
        {
            Failed = 0;
            policy._proven = true;
            policy._outage.Succeeded();
        }

        /// <summary>
        /// It answered, but nothing is gained by it: after another failure all of it is done again. After one the count stays as it is, or what
        /// fails at the same place each time would be tried for ever; only the time that the answers take is not held against the budget.
        /// </summary>
        public void Answered()
        {
            policy._proven = true;
            if (Failed == 0)
            {
                policy._outage.Succeeded();
                return;
            }

            var now = _time.GetTimestamp();
            _firstFailure += now - _quietSince;
            _quietSince = now;
        }

        /// <summary>Waits before the next try; or throws, when trying again is of no use or the budget is spent.</summary>
        /// <param name="error">Why the last try failed.</param>
        /// <param name="ct">Ends the pause.</param>
        /// <param name="wholeEnd">False where only some records failed, which does not mean that the end is down.</param>
        public async Task AgainAsync(PipelineException error, CancellationToken ct, bool wholeEnd = true)
        {
            error = policy._names?.In(error) ?? error;
            if (!policy.MayPass(error.Error)) throw error;
            policy._outage.Note(error);
            if (Failed++ == 0) _firstFailure = _time.GetTimestamp();
            var options = policy.Options;
            if (!options.Forever && (Failed > options.MaxRetries || _time.GetElapsedTime(_firstFailure) > options.Budget))
            {
                throw EngineErrors.RetriesExhausted.Error(
                    $"{error.Message} Tried {Failed} times in {_time.GetElapsedTime(_firstFailure).TotalSeconds:0.#} s ({error.Code}).",
                    inner: error);
            }

            // An end that has answered others since this failed the last time is not down; one that has answered nobody for long is, whatever it
            // does with this.
            var successes = policy._outage.Successes;
            var isDown = (wholeEnd || Failed > options.MaxRetries) && (Failed == 1 || successes == _successesBefore);
            _successesBefore = successes;
            if (isDown && (Failed > 1 || error.Kind == FailureKind.Environment)) policy._outage.Failed(error);
            var pause = policy._backoff.Pause(Failed, error.RetryAfter);
            if (isDown && error.RetryAfter is null) await policy._outage.PauseAsync(pause, ct).ConfigureAwait(false);
            else await Task.Delay(pause, _time, ct).ConfigureAwait(false);
            _quietSince = _time.GetTimestamp();
        }
    }
}
