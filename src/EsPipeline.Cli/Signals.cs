using System.Runtime.InteropServices;

namespace EsPipeline.Cli;

/// <summary>
/// SIGINT and SIGTERM: the first stops the run in good order, a second ends the process at once. What comes within a second of the first is
/// the same wish: <c>timeout(1)</c> signals the process and then its group.
/// </summary>
internal sealed class Signals : IDisposable
{
    private static readonly TimeSpan Same = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private long _receivedAt;
    private readonly PosixSignalRegistration[] _registrations;

    public Signals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Receive(context, 2)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Receive(context, 15)),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The number of the signal that came; null for none.</summary>
    public int? Received { get; private set; }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _stop.Dispose();
    }

    private void Receive(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        if (Received is not null)
        {
            if (TimeProvider.System.GetElapsedTime(_receivedAt) > Same) Environment.Exit(128 + number);
            return;
        }

        _receivedAt = TimeProvider.System.GetTimestamp();
        Received = number;
        _stop.Cancel();
    }
}
