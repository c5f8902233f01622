using System.Runtime.CompilerServices;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Says in the connector's own errors what goes wrong while batches are read.</summary>
internal static class TranslatedBatches
{
    /// <summary>The same batches.</summary>
    /// <param name="batches">What is read.</param>
    /// <param name="doing">What is being done, as the beginning of a sentence.</param>
    /// <param name="causeOf">What a failure comes of, once nothing is being read any more.</param>
    /// <param name="ct">Ends it.</param>
    public static async IAsyncEnumerable<RecordBatch> TranslateAsync(
        this IAsyncEnumerable<RecordBatch> batches, string doing, Func<PipelineException, CancellationToken, Task<PipelineException>> causeOf, [EnumeratorCancellation] CancellationToken ct)
    {
        PipelineException? failure = null;
        var each = batches.GetAsyncEnumerator(ct);
        await using (each.ConfigureAwait(false))
        {
            while (true)
            {
                try
                {
                    if (!await each.MoveNextAsync().ConfigureAwait(false)) break;
                }
                catch (Exception e) when (e is PipelineException || PostgresFailure.IsOne(e))
                {
                    failure = e as PipelineException ?? PostgresFailure.Of(e, doing);
                    break;
                }

                yield return each.Current;

                // Rows that have come already know nothing of the cancelling.
                ct.ThrowIfCancellationRequested();
            }
        }

        if (failure is not null) throw await causeOf(failure, ct).ConfigureAwait(false);
    }
}
