using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>
/// Stands before a real server and takes no body above a size: it says so (413) as soon as it has read how long the body is, and closes without
/// having read it, so that whoever is still sending finds the connection broken. One request a connection.
/// </summary>
internal sealed class RefusingDoor : IAsyncDisposable
{
    private readonly HttpClient _server;
    private readonly long _mostBytes;
    private readonly ClientListener _clients;

    public RefusingDoor(ElasticsearchServer server, long mostBytes)
    {
        (_server, _mostBytes) = (server.Http, mostBytes);
        _clients = new ClientListener(ServeAsync);
        Address = $"http://{_clients.Host}/";
    }

    public string Address { get; }

    /// <summary>The head of each request with a body.</summary>
    public List<string> Heads { get; } = [];

    public ValueTask DisposeAsync() => _clients.DisposeAsync();

    private async Task ServeAsync(TcpClient client, CancellationToken ended)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                if (await HeadAsync(stream, ended) is not { } head) return;
                var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
                var isChunked = Header(lines, "transfer-encoding") is not null;
                var length = long.Parse(Header(lines, "content-length") ?? "0", CultureInfo.InvariantCulture);
                lock (Heads)
                {
                    if (length > 0 || isChunked) Heads.Add(head);
                }

                if (length <= _mostBytes && Header(lines, "expect") is not null) await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), ended);
                var read = length > _mostBytes ? null : isChunked ? await ChunksAsync(stream, ended) : await BytesAsync(stream, (int)length, ended);
                if (read is not { } body)
                {
                    await AnswerAsync(stream, 413, "too large"u8.ToArray(), ended);
                    return;
                }

                using var request = new HttpRequestMessage(new HttpMethod(lines[0].Split(' ')[0]), new Uri(lines[0].Split(' ')[1].TrimStart('/'), UriKind.Relative));
                if (body.Length > 0)
                {
                    request.Content = new ByteArrayContent(body);
                    request.Content.Headers.TryAddWithoutValidation("Content-Type", Header(lines, "content-type"));
                    if (Header(lines, "content-encoding") is { } encoding) request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
                }

                using var answer = await _server.SendAsync(request, ended);
                await AnswerAsync(stream, (int)answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(ended), ended);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client gave up, or the test is over.
            }
        }
    }

    private static string? Header(IEnumerable<string> lines, string name) =>
        lines.FirstOrDefault(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    private static async Task<byte[]> BytesAsync(NetworkStream stream, int length, CancellationToken ended)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, ended);
        return bytes;
    }

    // A body that does not say how long it is (RFC 9112, 7.1); null as soon as it is too long.
    private async Task<byte[]?> ChunksAsync(NetworkStream stream, CancellationToken ended)
    {
        var body = new List<byte>();
        while (true)
        {
            var size = int.Parse((await UntilAsync(stream, "\r\n", ended))!.TrimEnd(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (body.Count + size > _mostBytes) return null;
            body.AddRange((await BytesAsync(stream, size + 2, ended))[..size]);
            if (size == 0) return [.. body];
        }
    }

    private static Task<string?> HeadAsync(NetworkStream stream, CancellationToken ended) => UntilAsync(stream, "\r\n\r\n", ended);

    private static async Task<string?> UntilAsync(NetworkStream stream, string end, CancellationToken ended)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, ended) == 0) return null;
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    private static async Task AnswerAsync(NetworkStream stream, int status, byte[] body, CancellationToken ended)
    {
        var head = $"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {body.Length}\r\nconnection: close\r\n\r\n";
        await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body], ended);
    }
}
