using System.Threading.Channels;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Some changes of one transaction in the order of the log, and where to read on behind them.</summary>
/// <param name="Rows">What was changed.</param>
/// <param name="Transaction">The transaction's 32-bit id.</param>
/// <param name="End">Where to read on.</param>
internal sealed record ChangeGroup(IReadOnlyList<ChangedRow> Rows, uint Transaction, LogPosition End);

/// <summary>
/// One stream of changes from a replication slot, kept open between passes: it reads on by itself up to a bound. The slot is moved only over
/// what a checkpoint holds, so that a slot beyond it is known to be another one (<see cref="ReplicationSlot"/>).
/// </summary>
/// <remarks>
/// A server that is stopped waits until whoever follows it has confirmed all of its log, which this end can't while a sink is down. It ends
/// ordinary sessions before that: the stream holds one, and leaves when that is ended.
/// </remarks>
internal sealed class LogStream : IAsyncDisposable
{
    private const int MostInGroup = 1000;
    private const int MostGroups = 1000;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _closing = new();
    private readonly Channel<ChangeGroup> _groups = Channel.CreateBounded<ChangeGroup>(MostGroups);
    private readonly LogicalReplicationConnection _connection;
    private readonly ChangeDecoder _decoder;
    private readonly TimeSpan _longestStall;
    private readonly TimeProvider _time;
    private readonly Task _pump;
    private bool _isStalled;
    private ulong _acknowledged;
    private ulong _idleAt;

    /// <summary>Begins to stream behind a position.</summary>
    public LogStream(string address, PostgresSourceOptions options, LogPosition start, ChangeDecoder decoder, TimeSpan longestStall, TimeProvider time)
    {
        (_decoder, _longestStall, _time, After) = (decoder, longestStall, time, start);
        _connection = new LogicalReplicationConnection(address);
        _pump = PumpAsync(address, options, start);
    }

    /// <summary>True where nothing more comes but what has come already.</summary>
    public bool HasEnded => _pump.IsCompleted;

    /// <summary>True where it has ended because nobody took what it has delivered: behind that, another one goes on.</summary>
    public bool HasStalled => _isStalled && _groups.Reader.Completion.IsCompleted;

    /// <summary>The end of the group that was taken last.</summary>
    public LogPosition After { get; private set; }

    /// <summary>Everything up to this place of the log has been delivered, as groups or because it concerned no table here.</summary>
    public ulong IdleAt => Volatile.Read(ref _idleAt);

    /// <summary>Takes the next group, where there is one.</summary>
    public bool TryTake(out ChangeGroup group)
    {
        if (!_groups.Reader.TryRead(out group!)) return false;
        After = group.End;
        return true;
    }

    /// <summary>Waits for a group, or for a moment.</summary>
    /// <exception cref="Core.Errors.PipelineException">The stream broke.</exception>
    public async Task WaitAsync(CancellationToken ct)
    {
        var more = _groups.Reader.WaitToReadAsync(ct).AsTask();
        await Task.WhenAny(more, Task.Delay(Glance, _time, ct)).ConfigureAwait(false);
        ct.ThrowIfCancellationRequested();
        if (!more.IsCompleted) return;
        try
        {
            await more.ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException and not Core.Errors.PipelineException)
        {
            // A server that stops in good order ends the stream in ways that Npgsql has no words for, a NullReferenceException among them.
            throw PostgresFailure.IsOne(e)
                ? PostgresFailure.Of(e, "The stream of changes broke") : PostgresErrors.Unreachable.Error($"The stream of changes broke: {e.Message}", inner: e);
        }
    }

    /// <summary>Lets the server forget its log up to a place that is safe in the sink.</summary>
    public async Task AcknowledgeAsync(ulong safe, CancellationToken ct)
    {
        // Before the server has said its first word it can't be told anything; what is safe is told with the next place that is.
        if (safe <= _acknowledged || HasEnded || (ulong)_connection.LastReceivedLsn == 0) return;
        _acknowledged = safe;
        try
        {
            _connection.SetReplicationStatus(new NpgsqlLogSequenceNumber(safe));
            await _connection.SendStatusUpdate(ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidOperationException or NullReferenceException)
        {
            // It ends just now, or has broken, for which Npgsql has no words (10.0.0): the next stream begins at what was saved.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(_pump, Task.Delay(LongestGoodbye, _time)).ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    private async Task CloseAsync() => await Task.WhenAny(_connection.DisposeAsync().AsTask(), Task.Delay(LongestGoodbye, _time)).ConfigureAwait(false);

    private async Task PumpAsync(string address, PostgresSourceOptions options, LogPosition start)
    {
        var session = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(address) { Pooling = false }.ConnectionString);
        await using (session.ConfigureAwait(false))
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            var ended = Task.FromResult<Exception?>(null);
            Exception? reason;
            try
            {
                await session.OpenAsync(ending.Token).ConfigureAwait(false);
                await _connection.Open(ending.Token).ConfigureAwait(false);
                ended = EndOfAsync(session, ending);
                var messages = _connection.StartReplication(
                    new PgOutputReplicationSlot(options.Slot),
                    new PgOutputReplicationOptions(options.Publication, PgOutputProtocolVersion.V1),
                    ending.Token,
                    new NpgsqlLogSequenceNumber(start.Safe.Lsn)).GetAsyncEnumerator(ending.Token);
                await using (messages.ConfigureAwait(false))
                {
                    await ReadAsync(messages, start, ending.Token).ConfigureAwait(false);
                }

                reason = new IOException("The server ended the stream.");
            }
            catch (Exception e)
            {
                reason = e;
            }

            // Npgsql leaves the connection open where it was not reading just then, and a server that is being stopped would wait for it.
            await ending.CancelAsync().ConfigureAwait(false);
            await CloseAsync().ConfigureAwait(false);
            var other = await ended.ConfigureAwait(false);
            _groups.Writer.TryComplete(_isStalled ? null : other ?? reason);
        }
    }

    // Ends the stream together with its ordinary session; answers why that has ended, or null where the stream was the first.
    private static async Task<Exception?> EndOfAsync(NpgsqlConnection session, CancellationTokenSource stream)
    {
        try
        {
            while (true) await session.WaitAsync(stream.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (stream.IsCancellationRequested) return null;
            await stream.CancelAsync().ConfigureAwait(false);
            return e;
        }
    }

    private async Task ReadAsync(IAsyncEnumerator<PgOutputReplicationMessage> messages, LogPosition start, CancellationToken ct)
    {
        var (rows, transaction, commit, index, safe, skip) = (new List<ChangedRow>(), 0U, 0UL, 0L, start.Safe, 0L);
        while (await NextAsync(messages, isBetweenTransactions: commit == 0, ct).ConfigureAwait(false))
        {
            switch (messages.Current)
            {
                case BeginMessage begin:
                    (transaction, commit, index) = (begin.TransactionXid, (ulong)begin.TransactionFinalLsn, 0);
                    skip = commit > start.Commit ? 0 : commit == start.Commit && start.Index is { } done ? done : long.MaxValue;
                    break;
                case CommitMessage end:
                    // One that was read to its end before is delivered again where it had not been acknowledged yet.
                    safe = safe with { Lsn = Math.Max(safe.Lsn, (ulong)end.TransactionEndLsn) };
                    if (skip < long.MaxValue) await AddAsync(new ChangeGroup(rows, transaction, new LogPosition(commit, null, safe)), ct).ConfigureAwait(false);
                    (rows, commit) = ([], 0);
                    break;
                case var message:
                    // Every change counts, whether or not it concerns tables here: what a table consists of is asked of the present catalog, which
                    // another time says otherwise. (Positions of releases that counted less lead to changes being read again.)
                    if (message is InsertMessage or UpdateMessage or DeleteMessage or TruncateMessage && ++index <= skip) break;
                    rows.AddRange(await _decoder.DecodeAsync(message, ct).ConfigureAwait(false));
                    if (rows.Count < MostInGroup) break;
                    await AddAsync(new ChangeGroup(rows, transaction, new LogPosition(commit, index, safe)), ct).ConfigureAwait(false);
                    rows = [];
                    break;
            }
        }
    }

    private async Task AddAsync(ChangeGroup group, CancellationToken ct)
    {
        if (_groups.Writer.TryWrite(group)) return;
        using var longest = new CancellationTokenSource(_longestStall, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, longest.Token);
        try
        {
            await _groups.Writer.WriteAsync(group, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (longest.IsCancellationRequested)
        {
            _isStalled = true;
            throw;
        }
    }

    // While there is no message to be had, notes how far the server's log holds none. The place is read before it is certain that no message
    // came: one past a change that was not delivered would lose it.
    private async Task<bool> NextAsync(IAsyncEnumerator<PgOutputReplicationMessage> messages, bool isBetweenTransactions, CancellationToken ct)
    {
        var next = messages.MoveNextAsync();
        if (next.IsCompleted) return await next.ConfigureAwait(false);
        var waiting = next.AsTask();
        var seen = 0UL;
        while (!ct.IsCancellationRequested)
        {
            var received = (ulong)_connection.LastReceivedLsn;
            await Task.WhenAny(waiting, Task.Delay(Glance, _time, CancellationToken.None)).ConfigureAwait(false);
            if (waiting.IsCompleted) break;
            if (received == seen && isBetweenTransactions) Volatile.Write(ref _idleAt, received);
            seen = received;
        }

        // Whatever happens, the enumerator is left only when it has answered: it can't be disposed of before.
        return await waiting.ConfigureAwait(false);
    }
}
