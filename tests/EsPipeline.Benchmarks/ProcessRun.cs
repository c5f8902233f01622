using System.Diagnostics;
using System.Globalization;

namespace EsPipeline.Benchmarks;

/// <summary>What the operating system says of a process that has ended.</summary>
/// <param name="Wall">Seconds from start to end.</param>
/// <param name="Cpu">Seconds of processor time, user and system.</param>
/// <param name="PeakBytes">The largest resident size.</param>
internal sealed record ProcessRun(double Wall, double Cpu, long PeakBytes)
{
    /// <summary>Runs a command to its end, under time(1).</summary>
    /// <exception cref="InvalidOperationException">It ended with another exit code than 0; the message has its last words.</exception>
    public static async Task<ProcessRun> OfAsync(CommandText command, string scratch)
    {
        var times = Path.Combine(scratch, "times");
        var start = new ProcessStartInfo("/usr/bin/time") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = scratch };
        foreach (var argument in (string[])["-q", "-f", "%U %S %M", "-o", times, command.Program, .. command.Arguments]) start.ArgumentList.Add(argument);
        foreach (var (name, value) in command.Environment) start.Environment[name] = value;
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var wall = watch.Elapsed.TotalSeconds;
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command.Program} ended with {process.ExitCode}: {await output}{await error}");
        }

        var parts = (await File.ReadAllTextAsync(times)).Trim().Split(' ');
        return new ProcessRun(wall, Number(parts[0]) + Number(parts[1]), (long)Number(parts[2]) * 1024);

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }
}
