using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Conformance;

/// <summary>One client's connection through a <see cref="TcpProxy"/>.</summary>
internal sealed class ProxiedConnection(TcpProxy proxy, Socket client) : IDisposable
{
    private readonly Socket _server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CancellationTokenSource _ended = new();
    private int _cut;
    private volatile bool _loseAnswer;

    /// <summary>Carries data both ways until one end closes or a fault ends it.</summary>
    public async Task RunAsync(IPEndPoint server, CancellationToken ct)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _ended.Token);
        try
        {
            client.NoDelay = true;
            await _server.ConnectAsync(server, either.Token);
            var requests = CarryAsync(client, _server, Direction.ToServer, either.Token);
            var answers = CarryAsync(_server, client, Direction.ToClient, either.Token);
            await Task.WhenAll(requests, answers);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One end is gone: so is the other.
            Reset();
        }
        finally
        {
            proxy.Forget(this);
            Dispose();
        }
    }

    public void Dispose()
    {
        client.Dispose();
        _server.Dispose();
        _ended.Dispose();
    }

    /// <summary>Ends the connection with a reset on both sides.</summary>
    public void Cut()
    {
        if (Interlocked.Exchange(ref _cut, 1) != 0) return;
        proxy.NoteCut();
        Reset();
        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself meanwhile.
        }
    }

    private async Task CarryAsync(Socket from, Socket to, Direction direction, CancellationToken ct)
    {
        var buffer = new byte[64 * 1024];
        long? cutAfter = null;
        while (true)
        {
            var most = proxy.BytesPerSecond is { } rate ? Math.Clamp(rate / 10, 1, buffer.Length) : buffer.Length;
            var count = await from.ReceiveAsync(buffer.AsMemory(0, most), ct);
            await proxy.Flowing.WaitAsync(ct);
            if (proxy.Delay > TimeSpan.Zero) await Task.Delay(proxy.Delay, ct);
            if (count == 0)
            {
                to.Shutdown(SocketShutdown.Send);
                return;
            }

            if (direction == Direction.ToServer && proxy.Faults.TakeAnswer() is { } answer)
            {
                await AnswerAsync(answer, ct);
                return;
            }

            if (direction == Direction.ToServer) _loseAnswer |= proxy.Faults.TakeLostAnswer(buffer.AsSpan(0, count));
            if (direction == Direction.ToClient && _loseAnswer)
            {
                Cut();
                return;
            }

            cutAfter ??= proxy.Faults.TakeCut(direction);
            var pass = (int)Math.Min(count, cutAfter ?? count);
            await to.SendAsync(buffer.AsMemory(0, pass), ct);
            cutAfter -= pass;
            if (cutAfter == 0)
            {
                Cut();
                return;
            }

            if (proxy.BytesPerSecond is { } limit) await Task.Delay(TimeSpan.FromSeconds((double)pass / limit), ct);
        }
    }

    private async Task AnswerAsync(ReadOnlyMemory<byte> answer, CancellationToken ct)
    {
        proxy.NoteCut();

        // What is still on its way from the client is read, so that closing does not turn into a reset before the answer is seen.
        await client.SendAsync(answer, ct);
        client.Shutdown(SocketShutdown.Send);
        var waste = new byte[64 * 1024];
        while (await client.ReceiveAsync(waste, ct) > 0)
        {
        }

        await _ended.CancelAsync();
    }

    private void Reset()
    {
        foreach (var socket in (ReadOnlySpan<Socket>)[client, _server])
        {
            try
            {
                socket.LingerState = new LingerOption(true, 0);
                socket.Close();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Closed already.
            }
        }
    }
}
