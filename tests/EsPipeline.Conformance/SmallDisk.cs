using System.Diagnostics;

namespace EsPipeline.Conformance;

/// <summary>A file system of a test's own that is soon full: a tmpfs, which needs Linux and root.</summary>
public sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private SmallDisk()
    {
    }

    /// <summary>Where it is mounted.</summary>
    public string Path => _folder.Path;

    /// <summary>Makes one; ends the test where that is not allowed.</summary>
    /// <param name="bytes">Its size.</param>
    public static SmallDisk Mount(long bytes)
    {
        TestServers.Need(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "A disk that is full needs Linux and root to mount one.");
        var disk = new SmallDisk();
        try
        {
            Run("mount", "-t", "tmpfs", "-o", $"size={bytes},mode=0700", "tmpfs", disk.Path);
            return disk;
        }
        catch
        {
            disk._folder.Dispose();
            throw;
        }
    }

    /// <summary>The path of a file on it.</summary>
    public string File(string name) => _folder.File(name);

    /// <summary>Takes all the room that is left.</summary>
    public async Task FillAsync(CancellationToken ct)
    {
        await using var filler = new FileStream(File("filler"), FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true) await filler.WriteAsync(new byte[4096], ct);
        }
        catch (IOException)
        {
            // No room is left: what was wanted.
        }
    }

    /// <summary>Gives that room back.</summary>
    public void Empty() => System.IO.File.Delete(File("filler"));

    public void Dispose()
    {
        // Lazily: a process that is just being started elsewhere may for a moment have what was open here, too.
        Run("umount", "--lazy", Path);
        _folder.Dispose();
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new IOException($"{program} failed: {error}");
    }
}
