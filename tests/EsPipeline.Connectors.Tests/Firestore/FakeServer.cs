using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>A request that came to a <see cref="FakeServer"/>.</summary>
/// <param name="Path">Path and query.</param>
/// <param name="Headers">All header lines.</param>
/// <param name="Body">The body.</param>
internal sealed record FakeRequest(string Path, string Headers, string Body);

/// <summary>What it answers.</summary>
/// <param name="Status">The status code; 0 to end the connection without an answer.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">More headers, a line each.</param>
internal sealed record FakeAnswer(int Status, string Body, params string[] Headers)
{
    /// <summary>Ends the connection.</summary>
    public static FakeAnswer Cut { get; } = new(0, "");

    /// <summary>Announces more than comes.</summary>
    public bool CutInBody { get; init; }
}

/// <summary>A small HTTP server for faults that a real one can't be made to show. One request a connection.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly Func<FakeRequest, Task<FakeAnswer>> _answer;
    private readonly X509Certificate2? _certificate;
    private readonly ClientListener _clients;

    public FakeServer(Func<FakeRequest, FakeAnswer> answer)
        : this(request => Task.FromResult(answer(request)))
    {
    }

    public FakeServer(Func<FakeRequest, Task<FakeAnswer>> answer, X509Certificate2? certificate = null)
    {
        (_answer, _certificate) = (answer, certificate);
        _clients = new ClientListener(ServeAsync);
    }

    /// <summary>Host and port.</summary>
    public string Host => _clients.Host;

    /// <summary>Everything that was asked.</summary>
    public List<FakeRequest> Requests { get; } = [];

    /// <summary>The emulator's answer to a request.</summary>
    public static async Task<FakeAnswer> PassOnAsync(string host, FakeRequest request)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "owner");
        using var content = new StringContent(request.Body, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri($"http://{host}{request.Path}"), content);
        return new FakeAnswer((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public ValueTask DisposeAsync() => _clients.DisposeAsync();

    private async Task ServeAsync(TcpClient client, CancellationToken ended)
    {
        using (client)
        {
            try
            {
                Stream stream = client.GetStream();
                if (_certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(_certificate);
                    stream = tls;
                }

                if (await ReadAsync(stream, ended) is not { } request) return;
                lock (Requests) Requests.Add(request);
                var answer = await _answer(request).WaitAsync(ended);
                if (answer.Status == 0) return;
                var length = Encoding.UTF8.GetByteCount(answer.Body) + (answer.CutInBody ? 100 : 0);
                var head = $"HTTP/1.1 {answer.Status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n";
                await stream.WriteAsync(Encoding.UTF8.GetBytes(head + string.Concat(answer.Headers.Select(h => h + "\r\n")) + "\r\n" + answer.Body), ended);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or AuthenticationException)
            {
                // The client gave up, or the test is over.
            }
        }
    }

    private static async Task<FakeRequest?> ReadAsync(Stream stream, CancellationToken ended)
    {
        var received = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await stream.ReadAsync(buffer, ended);
            if (read == 0) return null;
            received.Write(buffer, 0, read);
            var text = Encoding.Latin1.GetString(received.GetBuffer(), 0, (int)received.Length);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0) continue;
            var head = text[..end];
            var length = head.Split("\r\n").Where(l => l.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase))
                .Select(l => int.Parse(l.AsSpan(15).Trim())).FirstOrDefault();
            if (received.Length < end + 4 + length) continue;
            return new FakeRequest(head.Split(' ')[1], head, Encoding.UTF8.GetString(received.GetBuffer(), end + 4, length));
        }
    }
}
