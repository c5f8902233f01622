using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Connectors.Tests;

/// <summary>Listens on a free port of this machine and serves each client that comes, several at once, until it is disposed.</summary>
internal sealed class ClientListener : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly Func<TcpClient, CancellationToken, Task> _serve;
    private readonly Task _accepting;

    /// <param name="serve">Serves a client and closes its connection; the token is cancelled once the test is over.</param>
    public ClientListener(Func<TcpClient, CancellationToken, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        Host = $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _accepting = AcceptAsync();
    }

    /// <summary>Host and port.</summary>
    public string Host { get; }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Stop();
        await _accepting;
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true) open.Add(_serve(await _listener.AcceptTcpClientAsync(_ended.Token), _ended.Token));
        }
        catch (Exception) when (_ended.IsCancellationRequested)
        {
            // A listener that is stopped between two clients says so otherwise than one that waits for a client.
            await Task.WhenAll(open);
        }
    }
}
