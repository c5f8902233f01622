using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Tests.Checkpoints;

/// <summary>This test program as a child process that does nothing but save checkpoints, one after the other, until it is killed.</summary>
internal sealed class SavingChild : IDisposable
{
    private const string Mode = "ESPIPE_TEST_SAVE_IN";

    private readonly Process _process;
    private readonly Task _reading;
    private int _saved;

    private SavingChild(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    public int ProcessId => _process.Id;

    /// <summary>The number of the last checkpoint that the child said it had saved.</summary>
    public int LastSaved => Volatile.Read(ref _saved);

    /// <summary>Starts a child that goes on from the checkpoint that is there.</summary>
    public static SavingChild Start(string root)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet") start.ArgumentList.Add(typeof(SavingChild).Assembly.Location);
        start.Environment[Mode] = root;
        return new SavingChild(Process.Start(start)!);
    }

    /// <summary>Waits until so many have been saved.</summary>
    public Task SavedAsync(int number, CancellationToken ct) => FakeTime.UntilAsync(() =>
    {
        ct.ThrowIfCancellationRequested();
        if (_reading.IsCompleted && LastSaved < number) throw new InvalidOperationException($"The child ended after {LastSaved}.");
        return LastSaved >= number;
    });

    /// <summary>SIGKILL, and everything that it had said is read.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
        _reading.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

    public static Checkpoint At(int number) => new()
    {
        Identity = new JobIdentity([KeyValuePair.Create("source", "test")]),
        Phase = ReadKind.Snapshot,
        Partitions = Enumerable.Range(0, 3).ToDictionary(p => new PartitionId($"p{p}"), _ => new PartitionProgress(new Position($"t1:{number}"), number)),
    };

    public static int NumberOf(Checkpoint checkpoint) =>
        int.Parse(checkpoint.Partitions[new PartitionId("p0")].Position.Value.AsSpan(3), CultureInfo.InvariantCulture);

    /// <summary>Runs as the child where the environment asks for it, before the test runner begins.</summary>
    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255", Justification = "The runner's entry point is generated; this is the only place before it.")]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(Mode) is { Length: > 0 } root) SaveForEver(root);
    }

    // Waits instead of awaiting: until a module is initialised no other thread gets into it.
    private static void SaveForEver(string root)
    {
        var state = new FileStateStore(root, TimeProvider.System).OpenAsync("job", CancellationToken.None).GetAwaiter().GetResult();
        var number = state.LoadAsync(CancellationToken.None).GetAwaiter().GetResult() is { } saved ? NumberOf(saved) : 0;
        using var output = Console.OpenStandardOutput();
        while (true)
        {
            state.SaveAsync(At(++number), CancellationToken.None).GetAwaiter().GetResult();
            output.Write(System.Text.Encoding.ASCII.GetBytes($"{number}\n"));
        }
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (int.TryParse(line, CultureInfo.InvariantCulture, out var number)) Volatile.Write(ref _saved, number);
        }
    }
}
