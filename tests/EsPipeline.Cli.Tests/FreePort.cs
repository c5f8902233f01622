using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Cli.Tests;

/// <summary>Ports of this machine at which nothing listens.</summary>
internal static class FreePort
{
    /// <summary>One that was free a moment ago.</summary>
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
