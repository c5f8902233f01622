using System.Net;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Cli.Tests.Explaining;

/// <summary>A server that answers as the Anthropic API does, or as it should not, and keeps what it was sent.</summary>
internal sealed class FakeModel : IDisposable
{
    private readonly HttpListener _listener;
    private readonly TaskCompletionSource _end = new();

    /// <param name="answer">Answers a request; null to answer none, ever.</param>
    public FakeModel(Action<HttpListenerResponse>? answer)
    {
        (_listener, var address) = ServerPort.ListenHttp("127.0.0.1");
        Url = address.TrimEnd('/');
        Serving = ServeAsync(answer);
    }

    public string Url { get; }

    public List<(string Path, string Authorization, string Body)> Requests { get; } = [];

    private Task Serving { get; }

    /// <summary>Answers with a text.</summary>
    public static void Text(HttpListenerResponse response, string text) => Json(response, 200, JsonSerializer.Serialize(new
    {
        id = "msg_1",
        type = "message",
        role = "assistant",
        model = "test-model",
        content = new[] { new { type = "text", text } },
        stop_reason = "end_turn",
        stop_sequence = (string?)null,
        usage = new { input_tokens = 1, output_tokens = 1 },
    }));

    /// <summary>Answers with a status and a body.</summary>
    public static void Json(HttpListenerResponse response, int status, string body)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.OutputStream.Write(Encoding.UTF8.GetBytes(body));
    }

    public void Dispose()
    {
        _end.TrySetResult();
        _listener.Close();
        Serving.GetAwaiter().GetResult();
    }

    private async Task ServeAsync(Action<HttpListenerResponse>? answer)
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                var body = await reader.ReadToEndAsync();
                lock (Requests) Requests.Add((context.Request.Url!.AbsolutePath, context.Request.Headers["Authorization"] ?? "", body));
                if (answer is null) await _end.Task;
                else answer(context.Response);
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or InvalidOperationException or IOException)
            {
                if (!_listener.IsListening) return;
            }
        }
    }
}
