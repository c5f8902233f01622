using System.Net;
using System.Net.Sockets;
using System.Text;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Cli.Metrics;

/// <summary>
/// Answers <c>GET /metrics</c> for Prometheus: one small HTTP/1.1 answer a connection. Whoever connects can do nothing but read figures; a slow
/// or wrong client gets no answer and holds up no other.
/// </summary>
internal sealed class MetricsEndpoint : IAsyncDisposable
{
    private const int LongestRequest = 8192;
    private const int MostClients = 16;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly PrometheusText _text = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _clients = new(MostClients);
    private readonly TcpListener _listener;
    private readonly ILogger _log;
    private readonly Task _serving;

    private MetricsEndpoint(TcpListener listener, ILogger log)
    {
        (_listener, _log) = (listener, log);
        _serving = ServeAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Begins to listen, and tells where.</summary>
    /// <exception cref="PipelineException">It can't.</exception>
    public static MetricsEndpoint Start(IPAddress address, int port, ILogger log)
    {
        var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw MetricsErrors.CannotListen.Error($"Metrics can't be shown at {new IPEndPoint(address, port)}: {e.Message}.", inner: e);
        }

        var endpoint = new MetricsEndpoint(listener, log);
        CliLog.MetricsAt(log, endpoint.Address.ToString());
        return endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;

        // Each client that is still being answered gives its place back; then nobody needs anything of this any more.
        for (var i = 0; i < MostClients; i++) await _clients.WaitAsync();
        _clients.Dispose();
        _stop.Dispose();
        _text.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _clients.WaitAsync(_stop.Token);
                TcpClient client;
                try
                {
                    client = await _listener.AcceptTcpClientAsync(_stop.Token);
                }
                catch
                {
                    _clients.Release();
                    throw;
                }

                _ = AnswerAsync(client);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                // A listener that is stopped while it takes a client says so in several ways, none of which is the copy's failure.
                return;
            }
            catch (SocketException e)
            {
                CliLog.MetricsClientFailed(_log, e.Message);
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(Longest);
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                var request = await ReadHeadAsync(stream, limit.Token);
                await stream.WriteAsync(Answer(request), limit.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            CliLog.MetricsClientFailed(_log, e.Message);
        }
        finally
        {
            _clients.Release();
        }
    }

    // The request's first line; empty where it is not one.
    private static async Task<string> ReadHeadAsync(NetworkStream stream, CancellationToken ct)
    {
        var buffer = new byte[LongestRequest];
        var length = 0;
        while (length < buffer.Length && buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), ct);
            if (read == 0) return "";
            length += read;
        }

        var end = buffer.AsSpan(0, length).IndexOf("\r\n"u8);
        return end < 0 || length == buffer.Length ? "" : Encoding.Latin1.GetString(buffer, 0, end);
    }

    private byte[] Answer(string request)
    {
        var parts = request.Split(' ');
        var (status, body) = parts switch
        {
            ["GET" or "HEAD", "/metrics", _] => ("200 OK", _text.Write()),
            ["GET" or "HEAD", _, _] => ("404 Not Found", "Metrics are at /metrics.\n"),
            [_, _, _] => ("405 Method Not Allowed", "Metrics can only be read.\n"),
            _ => ("400 Bad Request", "This is no HTTP request.\n"),
        };
        var bytes = Encoding.UTF8.GetBytes(body);
        var head = $"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {bytes.Length}\r\nConnection: close\r\n\r\n";
        return parts[0] == "HEAD" ? Encoding.ASCII.GetBytes(head) : [.. Encoding.ASCII.GetBytes(head), .. bytes];
    }
}
