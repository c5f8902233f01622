using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Conformance;

/// <summary>Which way bytes go.</summary>
public enum Direction
{
    /// <summary>From the client to the server: requests.</summary>
    ToServer,

    /// <summary>From the server to the client: answers.</summary>
    ToClient,
}

/// <summary>
/// Stands between a client and a real server on this machine and makes the network misbehave on demand. Everything may be changed
/// while connections are open, from any thread.
/// </summary>
/// <remarks>It ends connections with a reset, as a crashed machine or a firewall does, so that no end takes the cut for a good end.</remarks>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly CancellationTokenSource _disposed = new();
    private readonly HashSet<ProxiedConnection> _connections = [];
    private readonly Lock _lock = new();
    private readonly int _port;
    private TcpListener? _listener;
    private Task _accepting;
    private TaskCompletionSource? _stalled;
    private readonly List<long> _accepted = [];
    private int _cuts;

    /// <param name="server">The real server.</param>
    public TcpProxy(IPEndPoint server)
    {
        Server = server;
        _listener = ServerPort.Listen();
        _port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener);
    }

    /// <summary>Where clients connect to.</summary>
    public IPEndPoint EndPoint => new(IPAddress.Loopback, _port);

    /// <summary>The real server; another one, as after a failover, for connections that are made from then on.</summary>
    public IPEndPoint Server { get; set; }

    /// <summary>Connections accepted so far.</summary>
    public int Connections => AcceptedAt.Length;

    /// <summary>When each of them was accepted, as <see cref="TimeProvider.GetTimestamp"/> counts.</summary>
    public long[] AcceptedAt
    {
        get
        {
            lock (_lock) return [.. _accepted];
        }
    }

    /// <summary>Connections that a fault has ended so far.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>Held back before each piece of data is passed on, both ways.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>The most bytes a second that each connection carries each way; null for no limit.</summary>
    public int? BytesPerSecond { get; set; }

    /// <summary>Faults that wait for the traffic which they are meant for.</summary>
    internal ProxyFaults Faults { get; } = new();

    /// <summary>Completed while data flows; otherwise when it flows again.</summary>
    internal Task Flowing
    {
        get
        {
            lock (_lock) return _stalled?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>A proxy in front of the server that a URI names.</summary>
    public static TcpProxy InFrontOf(Uri server) => new(new IPEndPoint(IPAddress.Loopback, server.Port));

    /// <summary>The same URI with the proxy's address.</summary>
    public Uri Of(Uri server) => new UriBuilder(server) { Host = "127.0.0.1", Port = _port }.Uri;

    /// <summary>Ends every open connection.</summary>
    public void CutAll()
    {
        ProxiedConnection[] open;
        lock (_lock) open = [.. _connections];
        foreach (var connection in open) connection.Cut();
    }

    /// <summary>Ends the connection that carries the next bytes, after so many of them have passed. Each call arms one more cut.</summary>
    public void CutAfter(Direction direction, long bytes) => Faults.ArmCut(direction, bytes);

    /// <summary>Passes the next request on and ends its connection in place of the answer: the server has done it, the client can't know.</summary>
    /// <param name="holds">What the request has to hold, in one piece of data; any where empty.</param>
    public void CutInPlaceOfNextAnswer(string holds = "") => Faults.ArmLostAnswer(System.Text.Encoding.UTF8.GetBytes(holds));

    /// <summary>Answers the next request with these bytes instead of passing it on, and ends its connection in good order.</summary>
    /// <param name="answer">A whole answer in the server's protocol.</param>
    public void AnswerNextWith(ReadOnlyMemory<byte> answer) => Faults.ArmAnswer(answer);

    /// <summary>Answers the next request with an HTTP status.</summary>
    /// <param name="status">Such as <c>503 Service Unavailable</c>.</param>
    /// <param name="body">The body.</param>
    /// <param name="headers">More headers, such as <c>Retry-After: 7</c>.</param>
    public void AnswerNextWithHttp(string status, string body = "", params string[] headers)
    {
        var lines = string.Concat(headers.Select(h => h + "\r\n"));
        var length = System.Text.Encoding.UTF8.GetByteCount(body);
        AnswerNextWith(System.Text.Encoding.UTF8.GetBytes(
            $"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{lines}\r\n{body}"));
    }

    /// <summary>Half-open: connections stay, new ones are accepted, and nothing passes until <see cref="Resume"/>.</summary>
    public void Stall()
    {
        lock (_lock) _stalled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Lets data flow again after <see cref="Stall"/>.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            _stalled?.TrySetResult();
            _stalled = null;
        }
    }

    /// <summary>Down: refuses new connections and ends open ones until <see cref="Up"/>.</summary>
    public async Task DownAsync()
    {
        TcpListener? listener;
        lock (_lock) (listener, _listener) = (_listener, null);
        listener?.Stop();
        await _accepting;
        CutAll();
    }

    /// <summary>Accepts connections again after <see cref="DownAsync"/>.</summary>
    public void Up()
    {
        lock (_lock)
        {
            if (_listener is not null) return;
            _listener = new TcpListener(IPAddress.Loopback, _port);
            _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _listener.Start();
            _accepting = AcceptAsync(_listener);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        await DownAsync();
        Resume();
        _disposed.Dispose();
    }

    internal void NoteCut() => Interlocked.Increment(ref _cuts);

    internal void Forget(ProxiedConnection connection)
    {
        lock (_lock) _connections.Remove(connection);
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException or OperationCanceledException)
            {
                // The listener was stopped, between two connections or while it waited for one.
                return;
            }

            var connection = new ProxiedConnection(this, client);
            lock (_lock)
            {
                _accepted.Add(TimeProvider.System.GetTimestamp());
                _connections.Add(connection);
            }

            _ = connection.RunAsync(Server, _disposed.Token);
        }
    }
}
