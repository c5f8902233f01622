using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Conformance;

/// <summary>
/// Ports for what tests start: below those that the system gives to outgoing connections, so that none of these takes a port which was found
/// before its server listens, or while its server is down.
/// </summary>
public static class ServerPort
{
    // tests/services chooses among as many below.
    private const int Ports = 2000;

    private static readonly int First = Ports
        + (int.TryParse(Environment.GetEnvironmentVariable("ESPIPE_TEST_FIRST_PORT"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : 24_000);

    // Each is given once until all were; the tests of another project, which may run beside these, begin elsewhere.
    private static uint _next = (uint)Environment.ProcessId * 37;

    /// <summary>One at which nothing listens, and which nobody else here is given soon.</summary>
    public static int Find()
    {
        using var listener = Listen();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Listens for HTTP requests on one; another program may have taken the first that was found.</summary>
    /// <param name="host">The name by which it is spoken to.</param>
    /// <returns>The listener, and its address with a slash at its end.</returns>
    public static (HttpListener Listener, string Address) ListenHttp(string host)
    {
        for (var tries = 1; ; tries++)
        {
            var address = $"http://{host}:{Find()}/";
            var listener = new HttpListener();
            listener.Prefixes.Add(address);
            try
            {
                listener.Start();
                return (listener, address);
            }
            catch (HttpListenerException) when (tries < 10)
            {
                listener.Close();
            }
        }
    }

    /// <summary>Listens on one.</summary>
    public static TcpListener Listen()
    {
        for (var tries = 1; ; tries++)
        {
            var listener = new TcpListener(IPAddress.Loopback, First + (int)(Interlocked.Increment(ref _next) % Ports));
            try
            {
                listener.Start();
                return listener;
            }
            catch (SocketException) when (tries < Ports)
            {
                listener.Dispose();
            }
        }
    }
}
