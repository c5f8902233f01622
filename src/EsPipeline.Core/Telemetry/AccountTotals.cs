namespace EsPipeline.Core.Telemetry;

/// <summary>
/// What became of every record that was read. A finished run balances:
/// <c>read = written + unchanged + filtered + dead_lettered</c> (invariant 2).
/// </summary>
/// <param name="Read">Records taken from the source.</param>
/// <param name="Written">Inserted, replaced or deleted in the sink.</param>
/// <param name="Unchanged">Already in the sink as they are or newer, or followed in the same batch by a newer record of the same key.</param>
/// <param name="Filtered">Left out by a rule of the job (shard, limit, overlap).</param>
/// <param name="DeadLettered">Set aside with the reason.</param>
/// <param name="Retries">Records that were sent again.</param>
/// <param name="Bytes">Bytes of keys and documents read.</param>
/// <param name="Unfinished">Read, but given back because the run stopped; the next run reads them again.</param>
public readonly record struct AccountTotals(
    long Read,
    long Written,
    long Unchanged,
    long Filtered,
    long DeadLettered,
    long Retries,
    long Bytes,
    long Unfinished)
{
    /// <summary>Records that have come to their end.</summary>
    public long Finished => Read - Unfinished;

    /// <summary>True where every record read is accounted for exactly once.</summary>
    public bool Balances => Read == Written + Unchanged + Filtered + DeadLettered + Unfinished;
}
