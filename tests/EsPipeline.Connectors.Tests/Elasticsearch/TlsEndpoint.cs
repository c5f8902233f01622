using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Shows a certificate to whoever connects; a server with such a certificate would not start.</summary>
internal sealed class TlsEndpoint : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SslStreamCertificateContext _certificate;
    private readonly Task _running;

    /// <param name="files">The certificate and its key.</param>
    public TlsEndpoint((string Certificate, string Key) files)
    {
        _certificate = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPemFile(files.Certificate, files.Key), null, offline: true);
        _listener.Start();
        _running = RunAsync();
    }

    public string Address => $"https://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _running;
        _listener.Dispose();
        _certificate.TargetCertificate.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await using var tls = new SslStream(client.GetStream());
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = _certificate });
                await tls.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"u8.ToArray());
            }
            catch (Exception e) when (e is IOException or AuthenticationException)
            {
                // The client did not like the certificate.
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                // Stopped.
                return;
            }
        }
    }
}
