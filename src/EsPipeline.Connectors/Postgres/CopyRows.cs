using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The rows of one COPY that is under way.</summary>
internal sealed class CopyRows(NpgsqlRawCopyStream stream, int bufferBytes) : IAsyncDisposable
{
    /// <summary>The rows.</summary>
    public BinaryCopyReader Rows { get; } = new(stream, bufferBytes);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Rows.Dispose();
        try
        {
            // What nobody wants any more would else be received to its end, gigabytes of it where rows are large.
            if (Rows.IsUnderWay) await stream.CancelAsync().ConfigureAwait(false);
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresFailure.IsOne(e) || e is OperationCanceledException)
        {
            // The connection is broken; whoever read from it has been told, or did not want the rest.
        }
    }
}
