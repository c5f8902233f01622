using System.Diagnostics;

namespace EsPipeline.Conformance;

/// <summary>
/// A new folder in which the built <c>espipe</c> runs as a process, as a person would run it there: its <c>.env</c>, state and log lie in it.
/// Of the tests' own environment it sees nothing but what a program needs to start.
/// </summary>
public sealed class EspipeFolder : IDisposable
{
    private static readonly string[] Inherited = ["PATH", "HOME", "TMPDIR", "LANG", "DOTNET_ROOT", "DOTNET_gcServer"];

    private readonly TemporaryFolder _folder = new();

    /// <summary>The folder's full path.</summary>
    public string Path => _folder.Path;

    /// <summary>What every process here finds in its environment besides.</summary>
    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    /// <summary>The program that was built with the tests.</summary>
    public static string Program { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "espipe.exe" : "espipe");

    /// <summary>The path of a file in the folder.</summary>
    public string File(string name) => _folder.File(name);

    /// <summary>Writes a file in the folder.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    /// <summary>Starts espipe here.</summary>
    public EspipeProcess Start(params IEnumerable<string> arguments) => Start(new EspipeStart(), arguments);

    /// <summary>Starts espipe here in a way that is not the usual one.</summary>
    public EspipeProcess Start(EspipeStart how, params IEnumerable<string> arguments)
    {
        // A shell that runs something in the background leaves SIGINT ignored, and so would everything below it.
        var interruptible = how.Interruptible && OperatingSystem.IsLinux();
        var start = new ProcessStartInfo(interruptible ? "env" : Program)
        {
            WorkingDirectory = Path,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (interruptible)
        {
            start.ArgumentList.Add("--default-signal=INT");
            start.ArgumentList.Add(Program);
        }

        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Except(Inherited).ToArray()) start.Environment.Remove(name);
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        return new EspipeProcess(Process.Start(start)!, how);
    }

    /// <summary>Runs espipe here to its end, with nothing on its standard input.</summary>
    public async Task<EspipeResult> RunAsync(params IEnumerable<string> arguments)
    {
        using var process = Start(arguments);
        process.Input.Close();
        return await process.EndAsync();
    }

    /// <summary>Every file below the folder with its text, states and logs included.</summary>
    public IEnumerable<(string Path, string Text)> AllFiles() =>
        Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories).Select(f => (f, System.IO.File.ReadAllText(f)));

    public void Dispose() => _folder.Dispose();
}

/// <summary>How a process is started.</summary>
public sealed record EspipeStart
{
    /// <summary>True where SIGINT reaches it, though the tests themselves may run in a shell's background.</summary>
    public bool Interruptible { get; init; }

    /// <summary>False where nobody reads its standard output, as in a pipe that is stuck.</summary>
    public bool ReadsOutput { get; init; } = true;
}
