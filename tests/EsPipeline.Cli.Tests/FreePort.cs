using System.Net;

namespace EsPipeline.Cli.Tests;

/// <summary>Ports of this machine at which nothing listens.</summary>
internal static class FreePort
{
    /// <summary>Listens on one; another program may have taken the first that was found.</summary>
    public static (HttpListener Listener, string Url) Listen()
    {
        for (var tries = 1; ; tries++)
        {
            var url = $"http://127.0.0.1:{ServerPort.Find()}";
            var listener = new HttpListener();
            listener.Prefixes.Add(url + "/");
            try
            {
                listener.Start();
                return (listener, url);
            }
            catch (HttpListenerException) when (tries < 10)
            {
                listener.Close();
            }
        }
    }
}
