namespace EsPipeline.Connectors.Firestore;

/// <summary>An answer that is read piece by piece.</summary>
internal sealed class FirestoreStream(FirestoreClient client, HttpResponseMessage response, Stream stream, TimeSpan timeout, TimeProvider time) : IDisposable
{
    /// <summary>Reads what has come; 0 at the end.</summary>
    /// <exception cref="Core.Errors.PipelineException">The answer broke off, or nothing came in time.</exception>
    public async Task<int> ReadAsync(Memory<byte> buffer, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await stream.ReadAsync(buffer, both.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (FirestoreClient.IsExplained(e, ct))
        {
            throw client.Explain(e, timeout);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => response.Dispose();
}
