using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using EsPipeline.Core.Errors;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>How long the client waits.</summary>
/// <param name="Connect">For a connection.</param>
/// <param name="Answer">For an answer to begin.</param>
/// <param name="Silence">For the next bytes of an answer that has begun.</param>
internal sealed record ClientPatience(TimeSpan Connect, TimeSpan Answer, TimeSpan Silence)
{
    /// <summary>What a search in a busy cluster may take.</summary>
    public static ClientPatience Default { get; } = new(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(30));
}

/// <summary>
/// Speaks the REST interface that Elasticsearch 7.17 to 9 and OpenSearch 1 to 3 share: sends JSON, follows no redirect, asks another host
/// where one can't be reached, and turns everything that is not an answer into a <see cref="PipelineException"/>. Safe for many threads.
/// </summary>
internal sealed class ElasticsearchClient : IDisposable
{
    private const int SmallAnswer = 16 * 1024;

    // From how many bytes on a body may be more than something on the way takes.
    private const int LargeBody = 64 * 1024;

    // How long large bodies are sent with care after one did not arrive.
    private static readonly TimeSpan CarefulTime = TimeSpan.FromMinutes(10);

    private static readonly string UserAgent = $"espipe/{typeof(ElasticsearchClient).Assembly.GetName().Version?.ToString(3)}";

    private readonly ElasticsearchOptions _options;
    private readonly HttpMessageInvoker _http;
    private readonly HostPool _hosts;
    private readonly ClientPatience _patience;
    private readonly ResiliencePipeline _calls;
    private readonly ResiliencePipeline _onlyCall;
    private readonly TimeProvider _time;
    private long _carefulSince = long.MinValue;

    /// <param name="options">Valid options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="patience">How long to wait.</param>
    public ElasticsearchClient(ElasticsearchOptions options, TimeProvider time, ClientPatience? patience = null)
    {
        (_options, _time) = (options, time);
        Addresses = ClusterAddress.Parse(options, []);
        _patience = patience ?? ClientPatience.Default;
        _hosts = new HostPool(Addresses, time);
        var trust = new ServerTrust(options);

        // Not an HttpClient, whose own timeouts and headers cost every request and are of no use here.
        _http = new HttpMessageInvoker(HandlerFor(trust));
        (_calls, _onlyCall) = (PipelineFor(time, _hosts.Count - 1), PipelineFor(time, 0));
    }

    /// <summary>The cluster's addresses.</summary>
    public IReadOnlyList<ClusterAddress> Addresses { get; }

    /// <summary>True where what goes over the network is compressed.</summary>
    public bool Compresses => _options.Compress == Compression.On || (_options.Compress == Compression.Auto && !Addresses.All(a => a.IsLocal));

    /// <summary>The address as a person may see it; the first of several.</summary>
    public string Name => Addresses[0].ToString();

    /// <summary>What a person should know about the way to the server, a sentence each.</summary>
    public IEnumerable<string> ConnectionWarnings()
    {
        if (_options.IsInsecure && Addresses.Any(a => a.IsTls))
        {
            yield return "the server's certificate is not verified (--es-insecure): whoever is in between can read and change everything";
        }

        if (Addresses.FirstOrDefault(a => !a.IsTls && !a.IsLocal && Credentials.HeaderFor(a, _options) is not null) is { } open)
        {
            yield return $"the password or API key goes to {open} unencrypted; use https where the network is not your own";
        }
    }

    /// <summary>Sends a request and reads the answer as JSON.</summary>
    /// <exception cref="PipelineException">There was no answer, or one that says no.</exception>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, ReadOnlyMemory<byte> json, CancellationToken ct)
    {
        using var answer = await FetchAsync(method, path, json, SmallAnswer, Array.MaxLength, ct).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(answer.Written);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw ElasticsearchErrors.BadAnswer.Error($"{Name} answered {method} {PathOnly(path)} with something that is not JSON.", inner: e);
        }
    }

    /// <summary>Sends a request with a body of JSON, or none, and receives the answer's bytes.</summary>
    public Task<AnswerBuffer> FetchAsync(HttpMethod method, string path, ReadOnlyMemory<byte> json, int sizeHint, long maxBytes, CancellationToken ct, AnswerRoom? room = null) =>
        FetchAsync(method, path, json.IsEmpty ? null : () => JsonContent(json), sizeHint, maxBytes, ct, room);

    /// <summary>
    /// Sends a request that moves something on at the server, such as a scroll, so that no other host may be asked the same again: one whose answer was
    /// lost on its way may have been carried out.
    /// </summary>
    public Task<AnswerBuffer> FetchOnceAsync(HttpMethod method, string path, ReadOnlyMemory<byte> json, int sizeHint, long maxBytes, CancellationToken ct) =>
        FetchAsync(_onlyCall, method, path, () => JsonContent(json), sizeHint, maxBytes, null, ct);

    /// <summary>Sends a request and receives the answer's bytes.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">Path and query without a slash at the front; everything in it encoded.</param>
    /// <param name="body">Makes the body, once for each host that is tried; null for none.</param>
    /// <param name="sizeHint">How many bytes are expected.</param>
    /// <param name="maxBytes">More than this is not received: the answer is then cut off and says so.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="room">What has to be waited for before the answer becomes a large one; null for nothing.</param>
    /// <exception cref="PipelineException">There was no answer, or one that says no.</exception>
    public Task<AnswerBuffer> FetchAsync(
        HttpMethod method, string path, Func<HttpContent>? body, int sizeHint, long maxBytes, CancellationToken ct, AnswerRoom? room = null) =>
        FetchAsync(_calls, method, path, body, sizeHint, maxBytes, room, ct);

    public void Dispose() => _http.Dispose();

    private async Task<AnswerBuffer> FetchAsync(
        ResiliencePipeline calls, HttpMethod method, string path, Func<HttpContent>? body, int sizeHint, long maxBytes, AnswerRoom? room, CancellationToken ct)
    {
        var (address, response) = await AskAsync(calls, method, path, body, ct).ConfigureAwait(false);
        using (response)
        {
            var buffer = new AnswerBuffer(sizeHint, maxBytes, room);
            try
            {
                var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
                await buffer.ReceiveAsync(stream, _patience.Silence, ct).ConfigureAwait(false);
                return buffer;
            }
            catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
            {
                buffer.Dispose();
                throw ElasticsearchErrors.BadAnswer.Error($"{address} broke its answer off after {buffer.Length} bytes: {e.Message}", inner: e);
            }
            catch (TimeoutException e)
            {
                buffer.Dispose();
                throw ElasticsearchErrors.TimedOut.Error($"{address} stopped in the middle of an answer for {_patience.Silence.TotalSeconds:0} s.", inner: e);
            }
            catch
            {
                buffer.Dispose();
                throw;
            }
        }
    }

    private static ReadOnlyMemoryContent JsonContent(ReadOnlyMemory<byte> json) =>
        new(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    private static string PathOnly(string path) => "/" + path.Split('?')[0];

    private async Task<(ClusterAddress Address, HttpResponseMessage Response)> AskAsync(
        ResiliencePipeline calls, HttpMethod method, string path, Func<HttpContent>? body, CancellationToken ct)
    {
        ClusterAddress? last = null;
        try
        {
            return await calls.ExecuteAsync(
                async token =>
                {
                    last = _hosts.Next();
                    return (last, await AskAsync(last, method, path, body, token).ConfigureAwait(false));
                },
                ct).ConfigureAwait(false);
        }
        catch (TimeoutRejectedException e)
        {
            if (last is not null) _hosts.Failed(last);
            throw ElasticsearchErrors.TimedOut.Error(
                $"{last} did not answer {method} {PathOnly(path)} within {_patience.Answer.TotalSeconds:0} s.", inner: e);
        }
    }

    private async Task<HttpResponseMessage> AskAsync(
        ClusterAddress address, HttpMethod method, string path, Func<HttpContent>? body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, new Uri(address.Root, path));
        request.Headers.Authorization = Credentials.HeaderFor(address, _options);
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        request.Content = body?.Invoke();
        var isLarge = request.Content is { } content && !(content.Headers.ContentLength < LargeBody);
        if (isLarge && IsCareful) await AskBeforeBodyAsync(request, ct).ConfigureAwait(false);

        HttpResponseMessage response;
        try
        {
            // Of a connection that is reset as soon as it is made the handler asks whose it was, and lets the socket's own exception through.
            response = await _http.SendAsync(request, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            _hosts.Failed(address);
            if (isLarge) Interlocked.Exchange(ref _carefulSince, _time.GetTimestamp());
            throw await TransportFailure.ExplainAsync(address, e, ct).ConfigureAwait(false);
        }

        _hosts.Answered(address);
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            throw await Refusal.ReadAsync(address, method, PathOnly(path), response, ct).ConfigureAwait(false);
        }
    }

    private bool IsCareful => Interlocked.Read(ref _carefulSince) is not long.MinValue and var since && _time.GetElapsedTime(since) < CarefulTime;

    // Whoever does not want a body as large may say so (413) and close before it has read it, which whoever still sends takes for a broken line. A
    // server that is asked first says it before anything is sent; asked each time it would cost a way there and back.
    private static async Task AskBeforeBodyAsync(HttpRequestMessage request, CancellationToken ct)
    {
        // It also has to know how long the body is, which nobody does before it is compressed.
        if (request.Content!.Headers.ContentLength is null) await request.Content.LoadIntoBufferAsync(ct).ConfigureAwait(false);
        request.Headers.ExpectContinue = true;
    }

    private SocketsHttpHandler HandlerFor(ServerTrust trust)
    {
        var local = Addresses.All(a => a.IsLocal);
        return new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = !local,
            ConnectTimeout = _patience.Connect,

            // Nothing follows a request from one system to the next by its headers, and having them costs every request.
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.FromMinutes(15),
            AutomaticDecompression = Compresses ? DecompressionMethods.GZip : DecompressionMethods.None,
            SslOptions = trust.SslOptions(),
        };
    }

    // At most one quick try at each other host; what needs more patience than that is the engine's to try again.
    private ResiliencePipeline PipelineFor(TimeProvider time, int otherHosts)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (otherHosts > 0)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = otherHosts,
                Delay = TimeSpan.Zero,
                ShouldHandle = new PredicateBuilder().Handle<PipelineException>(
                    e => e.Error == ElasticsearchErrors.Unreachable || e.Error == ElasticsearchErrors.Unavailable),
            });
        }

        return builder.AddTimeout(_patience.Answer).Build();
    }
}
