using System.Text;

namespace EsPipeline.Core.Checkpoints;

/// <summary>
/// The OS lock (<c>flock</c>) on a job's folder, so that only one copy runs. It ends with the process, however that ends; who holds it
/// stands in <c>lock.holder</c> beside it, for the message to the second one.
/// </summary>
internal sealed class JobLock : IDisposable
{
    private readonly FileStream _stream;

    private JobLock(FileStream stream) => _stream = stream;

    /// <exception cref="Errors.PipelineException"><see cref="CheckpointErrors.JobRunning"/>.</exception>
    public static JobLock Take(string folder, string job)
    {
        var path = Path.Combine(folder, "lock");
        var holder = Path.Combine(folder, "lock.holder");
        var stream = DurableFile.TryLock(path) ?? throw CheckpointErrors.JobRunning.Error($"The job '{job}' is already being run {Holder(holder)}.");
        try
        {
            // Some network file systems, and DOTNET_SYSTEM_IO_DISABLEFILELOCKING, grant every lock: one that does not exclude is no lock.
            using var second = DurableFile.TryLock(path);
            if (second is not null)
            {
                throw CheckpointErrors.StateUnusable.Error(
                    $"Files can't be locked in {folder}, so two copies of a job could run at once.",
                    "Put the state folder on a local file system with --state, and unset DOTNET_SYSTEM_IO_DISABLEFILELOCKING.");
            }

            using var note = DurableFile.Open(holder, FileMode.Create);
            note.Write(Encoding.UTF8.GetBytes($"by process {Environment.ProcessId} on {Environment.MachineName}\n"));
            return new JobLock(stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>False where the name does not lead to the locked file any more: then another copy may have locked the one that does.</summary>
    public bool IsHeld => FileKind.IsAt(_stream.SafeFileHandle, _stream.Name);

    public void Dispose() => _stream.Dispose();

    private static string Holder(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return "by another process";
        }
    }
}
