using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// Firestore's REST interface (https://cloud.google.com/firestore/docs/reference/rest), as thin as it can be: signs requests, waits no
/// longer than it is told, and turns whatever goes wrong into a <see cref="PipelineException"/>. Safe for many threads.
/// </summary>
internal sealed class FirestoreClient : IDisposable
{
    private const int MaxErrorBytes = 64 * 1024;

    /// <summary>Where the service itself answers.</summary>
    internal static readonly Uri Service = new("https://firestore.googleapis.com/");

    private readonly HttpClient _http;
    private readonly FirestoreCredential _credential;
    private readonly TimeProvider _time;

    /// <param name="options">Where, and as whom.</param>
    /// <param name="time">The clock of the time-outs.</param>
    /// <param name="service">Where the service is, where it is not where Google has it.</param>
    /// <param name="credential">As whom, where it is not what the options say.</param>
    public FirestoreClient(FirestoreOptions options, TimeProvider time, Uri? service = null, FirestoreCredential? credential = null)
    {
        (_time, _credential) = (time, credential ?? new FirestoreCredential(options));
        Emulator = options.EmulatorUri?.Authority;
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                // Followed, a redirect would carry the token to another host.
                AllowAutoRedirect = false,
                UseCookies = false,
                UseProxy = options.EmulatorHost is null,
                ConnectTimeout = TimeSpan.FromSeconds(10),
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            },
            disposeHandler: true)
        {
            BaseAddress = service ?? options.EmulatorUri ?? Service,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("espipe", typeof(FirestoreClient).Assembly.GetName().Version!.ToString(3)));
    }

    /// <summary>The emulator's host and port; null where this is the service.</summary>
    public string? Emulator { get; }

    /// <summary>The most bytes that a request may have.</summary>
    public int MaxRequestBytes => Emulator is null ? FirestoreLimits.MaxRequestBytes : FirestoreLimits.MaxEmulatorRequestBytes;

    private string Where => Emulator is null ? "Firestore" : $"the Firestore emulator at {Emulator}";

    /// <summary>A body of JSON.</summary>
    public static HttpContent Json(string body) => new StringContent(body, Encoding.UTF8, "application/json");

    /// <summary>Calls a method and reads its whole answer.</summary>
    /// <param name="method">The path below the version: <c>projects/…/documents:batchWrite</c>, encoded for a URL.</param>
    /// <param name="content">Makes the body; asked again where the request is sent again with another token.</param>
    /// <param name="timeout">The longest that all of it may take.</param>
    /// <param name="ct">Ends the call.</param>
    public async Task<byte[]> CallAsync(string method, Func<HttpContent> content, TimeSpan timeout, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            using var response = await SendAsync(method, content, both.Token).ConfigureAwait(false);
            return await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (IsExplained(e, ct))
        {
            throw Explain(e, timeout);
        }
    }

    /// <summary>Calls a method whose answer is read piece by piece; the answer has to be disposed.</summary>
    /// <param name="method">As in <see cref="CallAsync"/>.</param>
    /// <param name="content">As in <see cref="CallAsync"/>.</param>
    /// <param name="timeout">The longest that the answer may take to begin, and each piece to come.</param>
    /// <param name="ct">Ends the call.</param>
    public async Task<FirestoreStream> StreamAsync(string method, Func<HttpContent> content, TimeSpan timeout, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            var response = await SendAsync(method, content, both.Token).ConfigureAwait(false);
            return new FirestoreStream(this, response, await response.Content.ReadAsStreamAsync(both.Token).ConfigureAwait(false), timeout, _time);
        }
        catch (Exception e) when (IsExplained(e, ct))
        {
            throw Explain(e, timeout);
        }
    }

    /// <summary>What a check says of a collection that answered as it should.</summary>
    /// <param name="collection">The collection.</param>
    /// <param name="typed">True for documents in <see cref="FirestoreValues.Typed"/> form: a copy begun in one form is not gone on with in the other.</param>
    /// <param name="latency">How long it took to answer.</param>
    public ConnectorHealth Healthy(FirestoreCollection collection, bool typed, TimeSpan latency)
    {
        var identity = new Dictionary<string, string>
        {
            ["project"] = collection.Project,
            ["database"] = collection.Database,
            ["collection"] = collection.Path,
        };
        if (typed) identity["values"] = "typed";
        if (Emulator is null) return new ConnectorHealth("Firestore", latency, identity);

        // What an emulator holds is not what the service holds under the same names.
        identity["emulator"] = "true";
        return new ConnectorHealth("Firestore emulator", latency, identity)
        {
            Warnings = [$"FIRESTORE_EMULATOR_HOST is set: this is the emulator at {Emulator}, not Google Cloud; --firestore-rate 10000 spares it the service's slow start"],
        };
    }

    /// <summary>True for an exception that is about the way to Firestore, and not because the caller wanted no more.</summary>
    public static bool IsExplained(Exception e, CancellationToken ct) =>
        e is HttpRequestException or IOException or SocketException || (e is OperationCanceledException && !ct.IsCancellationRequested);

    /// <summary>What to tell a person about such an exception.</summary>
    public PipelineException Explain(Exception e, TimeSpan timeout) => e switch
    {
        OperationCanceledException => FirestoreErrors.TimedOut.Error($"{Where} did not answer within {timeout.TotalSeconds:0.#} s.", inner: e),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } =>
            FirestoreErrors.Dns.Error($"The host of {Where} is not found.", inner: e),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            FirestoreErrors.Tls.Error($"No trusted connection to {Where}: {(e.InnerException ?? e).Message}", inner: e),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError } =>
            FirestoreErrors.Connection.Error($"No connection to {Where}: {(e.InnerException ?? e).Message}", inner: e),
        _ => FirestoreErrors.Connection.Error($"The connection to {Where} broke off: {e.Message}", inner: e),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _credential.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(string method, Func<HttpContent> content, CancellationToken ct)
    {
        var response = await SendOnceAsync(method, content(), fresh: false, ct).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.Unauthorized && Emulator is null)
        {
            // The token may have been taken back before its time, or a clock may be wrong: once more with a new one.
            response.Dispose();
            response = await SendOnceAsync(method, content(), fresh: true, ct).ConfigureAwait(false);
        }

        if (response.IsSuccessStatusCode) return response;
        using (response) throw await ErrorAsync(response, ct).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendOnceAsync(string method, HttpContent content, bool fresh, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/" + method) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await _credential.TokenAsync(fresh, ct).ConfigureAwait(false));
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
    }

    private async Task<PipelineException> ErrorAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if ((int)response.StatusCode is >= 300 and < 400)
        {
            return FirestoreErrors.Redirected.Error($"{Where} answered with a redirect to {response.Headers.Location?.Host ?? "somewhere"} (HTTP {(int)response.StatusCode}).");
        }

        var body = new byte[MaxErrorBytes];
        var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, ct).ConfigureAwait(false);
        var wait = response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - _time.GetUtcNow() : null;
        var status = FirestoreStatus.Of(response.StatusCode, body.AsMemory(0, length), wait);
        return status.Error.Error($"{Where} says {status.Words}", retryAfter: status.RetryAfter);
    }
}
