using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Engine;

/// <summary>Counts what becomes of every record (invariant 2). Safe for many threads.</summary>
public sealed class RunAccount
{
    private long _read;
    private long _written;
    private long _unchanged;
    private long _filtered;
    private long _deadLettered;
    private long _retries;
    private long _bytes;
    private long _unfinished;

    /// <summary>Records taken from the source, and their bytes. They are unfinished until <see cref="AddFinished"/>.</summary>
    public void AddRead(long records, long bytes)
    {
        Interlocked.Add(ref _read, records);
        Interlocked.Add(ref _unfinished, records);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>
    /// Records whose batch is done with them. Counted apart from what became of them, so that <see cref="AccountTotals.Balances"/> is a
    /// check and not a definition.
    /// </summary>
    public void AddFinished(long records) => Interlocked.Add(ref _unfinished, -records);

    /// <summary>Inserted, replaced or deleted.</summary>
    public void AddWritten(long records) => Interlocked.Add(ref _written, records);

    /// <summary>There already, or followed by a newer record of the same key.</summary>
    public void AddUnchanged(long records) => Interlocked.Add(ref _unchanged, records);

    /// <summary>Left out by a rule.</summary>
    public void AddFiltered(long records) => Interlocked.Add(ref _filtered, records);

    /// <summary>Durably set aside.</summary>
    public void AddDeadLettered(long records) => Interlocked.Add(ref _deadLettered, records);

    /// <summary>Sent again.</summary>
    public void AddRetries(long records) => Interlocked.Add(ref _retries, records);

    /// <summary>The counts now. They are sure to balance only while nothing is being written.</summary>
    public AccountTotals Totals() => new(
        Interlocked.Read(ref _read),
        Interlocked.Read(ref _written),
        Interlocked.Read(ref _unchanged),
        Interlocked.Read(ref _filtered),
        Interlocked.Read(ref _deadLettered),
        Interlocked.Read(ref _retries),
        Interlocked.Read(ref _bytes),
        Interlocked.Read(ref _unfinished));
}
