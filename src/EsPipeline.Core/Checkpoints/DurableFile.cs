using System.ComponentModel;
using System.Runtime.InteropServices;

namespace EsPipeline.Core.Checkpoints;

/// <summary>Files and folders that only this user may read, and that are on the disk when a call returns.</summary>
public static partial class DurableFile
{
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PrivateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int Interrupted = 4;

    /// <summary>Makes a folder of mode 0700; one that exists is left as it is.</summary>
    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else if (!Directory.Exists(path)) Directory.CreateDirectory(path, FolderMode);
    }

    /// <summary>
    /// Replaces a file's content: temporary file, fsync, rename, fsync of the folder. After a crash at any moment the old or the new content
    /// is there, whole; where it fails the old content stays and no temporary file is left.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="content">What it is to hold.</param>
    /// <param name="ct">Cancels before the rename only.</param>
    /// <param name="sync">False for what may be lost in a power cut: no fsync then.</param>
    public static async Task ReplaceAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct, bool sync = true)
    {
        var temporary = path + ".tmp";
        try
        {
            var file = Open(temporary, FileMode.Create);
            await using (file.ConfigureAwait(false))
            {
                await file.WriteAsync(content, ct).ConfigureAwait(false);
                if (sync) Sync(file);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        if (sync) SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Opens a file of mode 0600 for writing, unbuffered.</summary>
    public static FileStream Open(string path, FileMode mode, FileAccess access = FileAccess.ReadWrite)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = FileShare.ReadWrite, BufferSize = 0 };
        if (!OperatingSystem.IsWindows() && mode is not (FileMode.Open or FileMode.Truncate)) options.UnixCreateMode = PrivateMode;
        return new FileStream(path, options);
    }

    /// <summary>Locks a file (<c>flock</c>), which is made where it is not there, until the stream is disposed; null where another process, or this one, has locked it.</summary>
    public static FileStream? TryLock(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = PrivateMode;
        try
        {
            return new FileStream(path, options);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException) && IsSharingViolation(e))
        {
            return null;
        }
    }

    /// <summary>Puts what was written to a file on the disk; does nothing more for what has no disk, such as a pipe.</summary>
    /// <exception cref="IOException">It may not be there: the disk failed, or the system has made it read-only after an error.</exception>
    public static void Sync(FileStream file)
    {
        // .NET asks macOS for more than fsync, and on Linux takes "the file system is read-only" for done.
        if (!OperatingSystem.IsLinux())
        {
#pragma warning disable RS0030 // This is what everybody else is sent to.
            file.Flush(flushToDisk: true);
#pragma warning restore RS0030
            return;
        }

        file.Flush();
        if (!TrySync((int)file.SafeFileHandle.DangerousGetHandle(), IsNotForFiles)) throw Failure(file.Name);
    }

    /// <summary>Makes a rename or a new name in a folder durable. Windows does that by itself, and so do file systems that know no sync of folders.</summary>
    /// <exception cref="IOException">The folder can't be opened or synced.</exception>
    public static void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw Failure(path);
        try
        {
            if (!TrySync(descriptor, IsNotForFolders)) throw Failure(path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>True for the errors by which a system says that there is nothing to sync here: EINVAL, and ENOTSUP of Linux and of macOS.</summary>
    internal static bool IsNotForFiles(int error) => error is 22 or 95 or 45;

    // CIFS and its like answer EBADF (9) for a folder, too.
    private static bool IsNotForFolders(int error) => error is 9 || IsNotForFiles(error);

    private static bool TrySync(int descriptor, Func<int, bool> isDone)
    {
        while (Sync(descriptor) < 0)
        {
            if (Marshal.GetLastPInvokeError() is var error && error != Interrupted) return isDone(error);
        }

        return true;
    }

    // EWOULDBLOCK is 11 on Linux and 35 on macOS; ERROR_SHARING_VIOLATION is 0x80070020 on Windows.
    private static bool IsSharingViolation(IOException e) => e.HResult is 11 or 35 || (uint)e.HResult == 0x80070020;

    private static IOException Failure(string path) =>
        new($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}", new Win32Exception(Marshal.GetLastPInvokeError()));

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
