using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Knows how far one partition is safe. Batches are tracked in the order in which they were read and resolved in any order;
/// <see cref="Safe"/> is the end of the lowest unbroken run of resolved ones, the low watermark (invariant 1).
/// </summary>
/// <param name="start">What is safe already.</param>
/// <param name="capacity">How many unresolved batches there may be: tracking waits at this number instead of growing.</param>
internal sealed class CheckpointTracker(PartitionProgress start, int capacity = CheckpointTracker.DefaultCapacity) : IDisposable
{
    public const int DefaultCapacity = 4096;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _room = new(capacity, capacity);
    private readonly Queue<Ticket> _unresolved = new();
    private PartitionProgress _safe = start;

    /// <summary>What was safe before.</summary>
    public PartitionProgress Start { get; } = start;

    /// <summary>How far everything is written, unchanged, filtered or durably set aside.</summary>
    public PartitionProgress Safe
    {
        get
        {
            lock (_lock) return _safe;
        }
    }

    /// <summary>Batches that are not safe yet.</summary>
    public int Outstanding
    {
        get
        {
            lock (_lock) return _unresolved.Count;
        }
    }

    /// <summary>Notes the next batch of the partition.</summary>
    /// <param name="end">Its end; null where it has no position that could be gone on from (it was cut off by a limit).</param>
    /// <param name="records">How many records its end is behind that the end before was not.</param>
    /// <param name="ct">Ends the wait for room.</param>
    public async ValueTask<Ticket> TrackAsync(Position? end, long records, CancellationToken ct)
    {
        await _room.WaitAsync(ct).ConfigureAwait(false);
        var ticket = new Ticket(this, end, records);
        lock (_lock) _unresolved.Enqueue(ticket);
        return ticket;
    }

    public void Dispose() => _room.Dispose();

    private void Advance()
    {
        var freed = 0;
        lock (_lock)
        {
            while (_unresolved.TryPeek(out var first) && first.Resolved)
            {
                _unresolved.Dequeue();
                _safe = new PartitionProgress(first.End ?? _safe.Position, _safe.Records + first.Records);
                freed++;
            }
        }

        if (freed > 0) _room.Release(freed);
    }

    /// <summary>One tracked batch.</summary>
    internal sealed class Ticket(CheckpointTracker tracker, Position? end, long records)
    {
        public Position? End => end;

        public long Records => records;

        public bool Resolved { get; private set; }

        /// <summary>Every record of the batch is safe. Called once.</summary>
        public void Resolve()
        {
            lock (tracker._lock) Resolved = true;
            tracker.Advance();
        }
    }
}
