using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>Connections that wait to be used again. There are as many as were ever in use at once.</summary>
internal sealed class MySqlConnectionPool(MySqlOptions options, SessionUse use, TimeProvider time, ILogger log) : IAsyncDisposable
{
    private readonly ConcurrentBag<MySqlConnection> _idle = [];

    /// <summary>Does something on the thread of a connection.</summary>
    public async Task<T> RunAsync<T>(Func<MySqlSession, T> work, CancellationToken ct)
    {
        var connection = await RentAsync(ct).ConfigureAwait(false);
        try
        {
            return await connection.RunAsync(work, ct).ConfigureAwait(false);
        }
        finally
        {
            if (connection.IsUsable)
            {
                _idle.Add(connection);
            }
            else
            {
                // What broke this one has probably broken those that waited.
                await connection.DisposeAsync().ConfigureAwait(false);
                await DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Closes the connections that wait.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out var connection)) await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<MySqlConnection> RentAsync(CancellationToken ct)
    {
        while (_idle.TryTake(out var connection))
        {
            if (connection.IsUsable) return connection;
            await connection.DisposeAsync().ConfigureAwait(false);
        }

        return await MySqlConnection.OpenAsync(options, use, options.Timeout, time, log, ct).ConfigureAwait(false);
    }
}
