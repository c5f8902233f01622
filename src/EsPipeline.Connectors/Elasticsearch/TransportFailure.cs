using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Says why a request got no answer at all.</summary>
internal static class TransportFailure
{
    // To find out what the other side speaks, when it does not speak what the address says.
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(1);

    /// <summary>The error for what was thrown while sending a request.</summary>
    public static async Task<PipelineException> ExplainAsync(ClusterAddress address, Exception thrown, CancellationToken ct)
    {
        for (var cause = thrown; cause is not null; cause = cause.InnerException)
        {
            if (cause is PipelineException known) return known;
        }

        if (thrown is OperationCanceledException) return ElasticsearchErrors.TimedOut.Error($"No connection to {address} could be made in time.", inner: thrown);
        var kind = (thrown as HttpRequestException)?.HttpRequestError;
        var socket = SocketErrorIn(thrown);
        if (kind == HttpRequestError.NameResolutionError || socket is SocketError.HostNotFound or SocketError.NoData)
        {
            // A resolver that can't be asked right now says TryAgain; that is not the name's fault.
            return socket == SocketError.TryAgain
                ? ElasticsearchErrors.Unreachable.Error($"The name {address.Root.Host} could not be looked up just now.", inner: thrown)
                : ElasticsearchErrors.UnknownHost.Error($"There is no host {address.Root.Host}.", inner: thrown);
        }

        if (kind == HttpRequestError.SecureConnectionError)
        {
            return await SpeaksHttpAsync(address, ct).ConfigureAwait(false)
                ? ElasticsearchErrors.NotTls.Error($"{address} speaks plain HTTP, not TLS.", inner: thrown)
                : ElasticsearchErrors.Tls.Error($"No TLS connection to {address} could be agreed on: {Innermost(thrown)}", inner: thrown);
        }

        if (!address.IsTls && kind is HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse or HttpRequestError.Unknown or null
            && await SpeaksTlsAsync(address, ct).ConfigureAwait(false))
        {
            return ElasticsearchErrors.NeedsTls.Error($"{address} speaks TLS, not plain HTTP.", inner: thrown);
        }

        if (kind == HttpRequestError.InvalidResponse)
        {
            return ElasticsearchErrors.NotElasticsearch.Error($"What answers at {address} does not speak HTTP.", inner: thrown);
        }

        var what = socket == SocketError.ConnectionRefused ? "refuses connections; nothing listens there" : $"can't be reached: {Innermost(thrown)}";
        return ElasticsearchErrors.Unreachable.Error($"{address} {what}", inner: thrown);
    }

    private static SocketError? SocketErrorIn(Exception thrown)
    {
        for (var cause = thrown; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket) return socket.SocketErrorCode;
        }

        return null;
    }

    private static string Innermost(Exception thrown)
    {
        while (thrown.InnerException is { } inner) thrown = inner;
        return thrown.Message;
    }

    // Sends no credentials. Whatever can't be found out is a no.
    private static Task<bool> SpeaksHttpAsync(ClusterAddress address, CancellationToken ct) => ProbeAsync(
        address,
        async (stream, token) =>
        {
            await stream.WriteAsync("HEAD / HTTP/1.0\r\n\r\n"u8.ToArray(), token).ConfigureAwait(false);
            var answer = new byte[5];
            await stream.ReadExactlyAsync(answer, token).ConfigureAwait(false);
            return answer.AsSpan().SequenceEqual("HTTP/"u8);
        },
        ct);

    // Getting as far as a certificate is enough; nothing is sent, so it is refused whosever it is.
    private static Task<bool> SpeaksTlsAsync(ClusterAddress address, CancellationToken ct) => ProbeAsync(
        address,
        async (stream, token) =>
        {
            var shown = false;
            var tls = new SslStream(stream, leaveInnerStreamOpen: true, (_, _, _, _) => !(shown = true));
            await using (tls.ConfigureAwait(false))
            {
                try
                {
                    await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = address.Root.Host }, token).ConfigureAwait(false);
                }
                catch (AuthenticationException) when (shown)
                {
                }

                return shown;
            }
        },
        ct);

    private static async Task<bool> ProbeAsync(ClusterAddress address, Func<NetworkStream, CancellationToken, Task<bool>> speaks, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(ProbeTime);
        try
        {
            using var connection = new TcpClient();
            await connection.ConnectAsync(address.Root.IdnHost, address.Root.Port, limit.Token).ConfigureAwait(false);
            return await speaks(connection.GetStream(), limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException)
        {
            ct.ThrowIfCancellationRequested();
            return false;
        }
    }
}
