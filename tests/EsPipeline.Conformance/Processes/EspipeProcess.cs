using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace EsPipeline.Conformance;

/// <summary>A running <c>espipe</c>. It is ended, however, with the test that has started it.</summary>
public sealed partial class EspipeProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _error = new();
    private readonly Task<string> _output;
    private readonly Task _errors;

    internal EspipeProcess(Process process, EspipeStart how)
    {
        _process = process;
        _output = how.ReadsOutput ? process.StandardOutput.ReadToEndAsync() : Task.FromResult("");
        _errors = ReadErrorsAsync();
    }

    /// <summary>Its number.</summary>
    public int Id => _process.Id;

    /// <summary>Its standard input.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>True once it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>What it has written on standard error so far.</summary>
    public string ErrorSoFar
    {
        get
        {
            lock (_error) return _error.ToString();
        }
    }

    /// <summary>Waits until something is so; fails where the process ends before, or it takes too long.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (_process.HasExited)
            {
                // Its last words may not have been read yet.
                await _errors;
                Assert.True(condition(), $"espipe ended before {what}:\n{ErrorSoFar}");
                return;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(started) < Eventually.Longest, $"It took too long: {what}.\n{ErrorSoFar}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a text stands on standard error.</summary>
    public Task UntilErrorAsync(string text) => UntilAsync(() => ErrorSoFar.Contains(text, StringComparison.Ordinal), $"it said '{text}'");

    /// <summary>Waits until <c>serve</c> has said where it answers.</summary>
    public async Task<Uri> AddressAsync()
    {
        Match said = Match.Empty;
        await UntilAsync(() => (said = Serving().Match(ErrorSoFar)).Success, "it said where it serves");
        return new Uri(said.Groups["address"].Value);
    }

    /// <summary>Closes the reading end of its standard output.</summary>
    public void CloseOutput() => _process.StandardOutput.Close();

    /// <summary>Sends it a signal.</summary>
    public void Signal(PosixSignalNumber signal)
    {
        // It may have ended by itself.
        if (!_process.HasExited) _ = Kill(_process.Id, (int)signal);
    }

    /// <summary>Waits for its end so long, and no longer.</summary>
    /// <returns>True where it has ended.</returns>
    public async Task<bool> EndsWithinAsync(TimeSpan time)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(time);
        await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        return _process.HasExited;
    }

    /// <summary>Waits for its end.</summary>
    public async Task<EspipeResult> EndAsync()
    {
        try
        {
            await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Eventually.Longest, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"espipe did not end within {Eventually.Longest.TotalMinutes} minutes:\n{ErrorSoFar}");
        }

        await _errors;
        return new EspipeResult(_process.ExitCode, await _output, ErrorSoFar);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    [GeneratedRegex("Serving (?<address>https?://[^ ]+/):", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Serving();

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_error) _error.Append(line).Append('\n');
        }
    }
}

/// <summary>Signals by their numbers on Linux and macOS.</summary>
public enum PosixSignalNumber
{
    /// <summary>SIGINT, as of Ctrl-C.</summary>
    Interrupt = 2,

    /// <summary>SIGKILL, which nothing can catch.</summary>
    Kill = 9,

    /// <summary>SIGTERM.</summary>
    Terminate = 15,
}

/// <summary>How a process ended, and what it has said.</summary>
/// <param name="ExitCode">Its exit code; 128 and the signal's number where a signal ended it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record EspipeResult(int ExitCode, string Output, string Error)
{
    /// <summary>Everything it has said.</summary>
    public string Said => Output + Error;

    /// <summary>Fails with what was said where the exit code is another one.</summary>
    public EspipeResult Ended(int code)
    {
        Assert.True(ExitCode == code, $"It ended with {ExitCode} instead of {code}:\n{Said}");
        return this;
    }

    /// <summary>The lines on standard error that are no log lines: what espipe tells a person directly.</summary>
    public IReadOnlyList<string> Complaints => [.. Error.Split('\n').Where(l => l.StartsWith("espipe: ", StringComparison.Ordinal))];
}
