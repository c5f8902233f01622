using System.IO.Compression;
using System.Net;
using System.Text;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>An answer on its way back to the client.</summary>
internal sealed record ProxiedAnswer(int Status, byte[] Body)
{
    /// <summary>Headers beside content-type.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Bytes of the body that are sent before the connection is cut; null for all.</summary>
    public int? CutAfter { get; init; }

    public string Text => Encoding.UTF8.GetString(Body);

    public static ProxiedAnswer Json(int status, string body) => new(status, Encoding.UTF8.GetBytes(body));
}

/// <summary>
/// Stands before a real server, passes requests on, and lets a test change an answer: for faults that a real server can't be made to show.
/// </summary>
internal sealed class AnswerProxy : IAsyncDisposable
{
    private readonly HttpListener _listener;
    private readonly HttpClient _server;
    private readonly Task _running;

    public AnswerProxy(ElasticsearchServer server)
    {
        _server = server.Http;
        (_listener, Address) = Conformance.ServerPort.ListenHttp("localhost");
        _running = RunAsync();
    }

    public string Address { get; }

    /// <summary>Every request so far: method, path and query, body.</summary>
    public List<(string Method, string Path, string Body)> Requests { get; } = [];

    /// <summary>How the body of each request that has one was packed, with its path; null for as it is.</summary>
    public List<(string Path, string? Encoding)> Encodings { get; } = [];

    /// <summary>Answers in the server's place; null to pass the request on.</summary>
    public Func<string, string, string, ProxiedAnswer?> Instead { get; set; } = (_, _, _) => null;

    /// <summary>Changes the request's body on its way to the server.</summary>
    public Func<string, string> ChangeRequest { get; set; } = body => body;

    /// <summary>Changes the server's answer.</summary>
    public Func<string, ProxiedAnswer, ProxiedAnswer> Change { get; set; } = (_, answer) => answer;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _running;
        _listener.Close();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or InvalidOperationException)
            {
                // Stopped, between two requests or while it waited for one.
                return;
            }

            _ = AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        try
        {
            var encoding = context.Request.Headers["Content-Encoding"];
            await using var received = encoding == "gzip" ? new GZipStream(context.Request.InputStream, CompressionMode.Decompress) : context.Request.InputStream;
            using var reader = new StreamReader(received);
            var body = await reader.ReadToEndAsync();
            var (method, path) = (context.Request.HttpMethod, context.Request.RawUrl!);
            lock (Requests)
            {
                Requests.Add((method, path, body));
                if (body.Length > 0) Encodings.Add((path, encoding));
            }

            var answer = Instead(method, path, body) ?? Change(path, await ForwardAsync(method, path, ChangeRequest(body)));
            context.Response.StatusCode = answer.Status;
            context.Response.ContentType = "application/json";
            foreach (var (name, value) in answer.Headers) context.Response.AddHeader(name, value);
            context.Response.ContentLength64 = answer.Body.Length;
            if (answer.CutAfter is { } cut)
            {
                await context.Response.OutputStream.WriteAsync(answer.Body.AsMemory(0, cut));
                await context.Response.OutputStream.FlushAsync();
                context.Response.Abort();
                return;
            }

            await context.Response.OutputStream.WriteAsync(answer.Body);
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client went away.
        }
    }

    private async Task<ProxiedAnswer> ForwardAsync(string method, string path, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path.TrimStart('/'), UriKind.Relative));
        if (body.Length > 0) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _server.SendAsync(request);
        return new ProxiedAnswer((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync());
    }
}
