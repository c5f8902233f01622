using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Sinks;

/// <summary>Finds the records for whose sake a server refuses a whole request, by writing halves of it.</summary>
/// <remarks>
/// One bad record among n costs about 2·log2(n) requests more. The halves are written one after the other and in order; a failure that
/// blames no record ends the write, as it would have ended the whole request.
/// </remarks>
public static class SliceBisection
{
    /// <summary>Writes <paramref name="count"/> records, in halves where need be, until each is written or alone to blame.</summary>
    /// <param name="count">The number of records, from index 0.</param>
    /// <param name="write">Writes so many records from a first index on; its failures count from that first index.</param>
    /// <param name="blamesRecords">
    /// True for an error that says that the server took nothing of the request because of what it held. Its code is a permanent one: it
    /// becomes the failure of the record that is found.
    /// </param>
    /// <param name="ct">Given to each write.</param>
    /// <returns>One answer for all records, its failures by rising index.</returns>
    public static async Task<WriteResult> WriteAsync(
        int count, Func<int, int, CancellationToken, Task<WriteResult>> write, Func<PipelineException, bool> blamesRecords, CancellationToken ct)
    {
        var total = new Total();
        await WriteAsync(0, count, write, blamesRecords, total, ct).ConfigureAwait(false);
        return new WriteResult(total.Written, total.Unchanged, total.Failures);
    }

    private static async Task WriteAsync(
        int start,
        int count,
        Func<int, int, CancellationToken, Task<WriteResult>> write,
        Func<PipelineException, bool> blamesRecords,
        Total total,
        CancellationToken ct)
    {
        if (count == 0) return;
        try
        {
            total.Add(start, await write(start, count, ct).ConfigureAwait(false));
            return;
        }
        catch (PipelineException e) when (blamesRecords(e))
        {
            if (count == 1)
            {
                total.Failures.Add(new RecordFailure(start, e.Error, e.Message, e.RetryAfter));
                return;
            }
        }

        var half = count / 2;
        await WriteAsync(start, half, write, blamesRecords, total, ct).ConfigureAwait(false);
        await WriteAsync(start + half, count - half, write, blamesRecords, total, ct).ConfigureAwait(false);
    }

    private sealed class Total
    {
        public int Written { get; private set; }

        public int Unchanged { get; private set; }

        public List<RecordFailure> Failures { get; } = [];

        public void Add(int start, WriteResult result)
        {
            Written += result.Written;
            Unchanged += result.Unchanged;
            foreach (var failure in result.Failures) Failures.Add(failure with { Index = start + failure.Index });
        }
    }
}
