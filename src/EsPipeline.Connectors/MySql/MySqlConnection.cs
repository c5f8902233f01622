using System.Runtime.ExceptionServices;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// A connection with a thread of its own, since the client library blocks: callers wait without one. One piece of work at a time.
/// Cancelling ends the connection: a blocked call returns at once, and the server is told to give up what it was doing.
/// </summary>
internal sealed class MySqlConnection : IAsyncDisposable
{
    private static readonly TimeSpan LongestKill = TimeSpan.FromSeconds(5);

    private readonly MySqlOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly TaskCompletionSource<Exception?> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<MySqlSession>? _work;
    private MySqlSession? _session;
    private NativeSocket? _socket;
    private bool _working;
    private bool _ended;

    private MySqlConnection(MySqlOptions options, TimeProvider time, ILogger log) => (_options, _time, _log) = (options, time, log);

    /// <summary>False once the connection is broken, ended or cancelled.</summary>
    public bool IsUsable
    {
        get
        {
            lock (_lock) return !_ended && _session is { IsBroken: false };
        }
    }

    /// <summary>Connects, signs in and makes the session's settings.</summary>
    /// <exception cref="PipelineException">The server can't be reached or refuses.</exception>
    public static async Task<MySqlConnection> OpenAsync(
        MySqlOptions options, SessionUse use, TimeSpan timeout, TimeProvider time, ILogger log, CancellationToken ct)
    {
        var connection = new MySqlConnection(options, time, log);
        var longest = timeout < TimeSpan.FromSeconds(15) ? timeout : TimeSpan.FromSeconds(15);
        Start(() => connection.Serve(use, timeout));
        try
        {
            if (await connection._opened.Task.WaitAsync(longest, time, ct).ConfigureAwait(false) is { } failure) ExceptionDispatchInfo.Throw(failure);
            return connection;
        }
        catch (TimeoutException e)
        {
            connection.Abort();
            throw MySqlErrors.Unreachable.Error($"The server at {MySqlConnecting.Address(options)} did not answer within {longest.TotalSeconds:0.#} s.", inner: e);
        }
        catch
        {
            connection.Abort();
            throw;
        }
    }

    /// <summary>Does something on the connection's thread. Returns, or throws, only when the thread has let go of all that it was given.</summary>
    public async Task<T> RunAsync<T>(Func<MySqlSession, T> work, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_ended) throw MySqlErrors.ConnectionLost.Error("The connection has ended.");
            if (_working) throw new InvalidOperationException("The connection is at work already.");
            _working = true;
            _work = session =>
            {
                try
                {
                    var result = work(session);
                    Rest();
                    done.SetResult(result);
                }
                catch (Exception e)
                {
                    Rest();
                    done.SetException(e);
                }
            };
        }

        _wake.Release();
        var registration = ct.UnsafeRegister(static state => ((MySqlConnection)state!).Abort(), this);
        await using (registration.ConfigureAwait(false))
        {
            try
            {
                return await done.Task.ConfigureAwait(false);
            }
            catch (PipelineException) when (ct.IsCancellationRequested)
            {
                throw new OperationCanceledException(ct);
            }
        }
    }

    /// <summary>Ends the connection at once, whatever it is doing.</summary>
    public void Abort()
    {
        bool working;
        lock (_lock)
        {
            _socket?.Shutdown();
            (working, _ended) = (_working && !_ended, true);
        }

        // A statement that waits for a lock does not notice that its client is gone, and keeps its own locks until it does.
        if (working && _session is { } session) Start(() => Kill(session.ThreadId, session.Server.Node));
        _wake.Release();
    }

    /// <summary>Lets the thread close the connection once it is idle; waits for nobody.</summary>
    public ValueTask DisposeAsync()
    {
        End();
        return ValueTask.CompletedTask;
    }

    private static void Start(ThreadStart work) => new Thread(work) { IsBackground = true, Name = "espipe mysql" }.Start();

    private void End()
    {
        lock (_lock) _ended = true;
        _wake.Release();
    }

    private void Rest()
    {
        lock (_lock) _working = false;
    }

    // The thread's whole life. Nothing may escape from it: an exception on a thread of its own ends the process.
    private void Serve(SessionUse use, TimeSpan timeout)
    {
        MySqlSession session;
        try
        {
            session = MySqlConnecting.Connect(_options, timeout, _time);
        }
        catch (Exception e)
        {
            _opened.SetResult(e);
            return;
        }

        try
        {
            lock (_lock) (_session, _socket) = (session, new NativeSocket(session.Handle));
            session.Prepare(use);
            _opened.SetResult(null);
        }
        catch (Exception e)
        {
            _opened.SetResult(e);
            End();
        }

        while (TakeWork() is { } work) work(session);
        lock (_lock)
        {
            // Rows that nobody wants any more are not waited for.
            if (session.OpenResult is not null) _socket!.Shutdown();
            _socket!.Dispose();
            _socket = null;
        }

        session.Dispose();
    }

    private Action<MySqlSession>? TakeWork()
    {
        while (true)
        {
            _wake.Wait();
            lock (_lock)
            {
                if (_work is { } work)
                {
                    _work = null;
                    return work;
                }

                if (_ended) return null;
            }
        }
    }

    private void Kill(ulong threadId, string node)
    {
        try
        {
            using var session = MySqlConnecting.Connect(_options, LongestKill, _time);

            // Behind a balancer another server may have answered, where the number is somebody else's.
            if (MySqlServer.Of(session.Rows(MySqlServer.Question)).Node == node) session.Execute($"KILL {threadId}");
            else Log.MySqlNotKilled(_log, threadId, "another server answers at this address now");
        }
        catch (PipelineException e)
        {
            Log.MySqlNotKilled(_log, threadId, e.Message);
        }
    }
}
