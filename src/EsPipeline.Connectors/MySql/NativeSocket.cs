using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// A way to end a connection's traffic from another thread than the one that waits for it. On Unix it is a descriptor of its own for the
/// same socket, so that it stays valid whatever the client library does with its descriptor.
/// </summary>
internal sealed partial class NativeSocket : IDisposable
{
    private const int BothDirections = 2;

    private readonly Lock _lock = new();
    private readonly int _descriptor = -1;
    private readonly nint _windowsSocket;
    private bool _disposed;

    /// <summary>Takes hold of a connection's socket.</summary>
    /// <param name="mysql">The library's handle, connected.</param>
    public NativeSocket(nint mysql)
    {
        if (OperatingSystem.IsWindows()) _windowsSocket = MariaDbLibrary.WindowsSocket(mysql);
        else _descriptor = Duplicate(MariaDbLibrary.UnixSocket(mysql));
    }

    /// <summary>Ends the traffic both ways: a blocked read or write of the library returns at once with a failure.</summary>
    public void Shutdown()
    {
        lock (_lock)
        {
            if (_disposed) return;

            // A failure means that the connection is gone already.
            _ = OperatingSystem.IsWindows() ? ShutdownWindows(_windowsSocket, BothDirections) : ShutdownUnix(_descriptor, BothDirections);
        }
    }

    /// <summary>Lets go of the socket; the library closes its own descriptor.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            if (_descriptor >= 0) _ = Close(_descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    private static partial int ShutdownUnix(int descriptor, int how);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("ws2_32", EntryPoint = "shutdown")]
    private static partial int ShutdownWindows(nint socket, int how);
}
