using EsPipeline.Core.Checkpoints;

namespace EsPipeline.Connectors.Files;

/// <summary>Keeps two jobs from writing one file: a lock beside it, which goes with the process, however that ends.</summary>
internal sealed class OutputLock : IDisposable
{
    private readonly FileStream _stream;

    private OutputLock(FileStream stream) => _stream = stream;

    /// <summary>Takes it; null where another job has it.</summary>
    /// <exception cref="IOException">The lock's file can't be made; or another error of the file system.</exception>
    public static OutputLock? TryTake(string path)
    {
        while (DurableFile.TryLock(path) is { } stream)
        {
            if (FileKind.IsAt(stream.SafeFileHandle, path)) return new OutputLock(stream);

            // Whoever had it has removed it between our opening and our locking it: what we have locked nobody else will find.
            stream.Dispose();
        }

        return null;
    }

    /// <summary>Removes it, where it can be told from one that is made meanwhile.</summary>
    public void Dispose()
    {
        if (OperatingSystem.IsLinux()) File.Delete(_stream.Name);
        _stream.Dispose();
    }
}
