using System.Runtime.InteropServices;

namespace EsPipeline.Cli;

/// <summary>SIGINT and SIGTERM: the first stops the run in good order, the second ends the process at once.</summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
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
        if (Received is not null) Environment.Exit(128 + number);
        Received = number;
        _stop.Cancel();
    }
}
