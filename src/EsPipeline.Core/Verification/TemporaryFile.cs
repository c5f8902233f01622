namespace EsPipeline.Core.Verification;

/// <summary>Files for what does not fit into memory, in the system's folder for such files (<c>TMPDIR</c>).</summary>
internal static class TemporaryFile
{
    /// <summary>
    /// Makes a file that only this user can read. Where the system allows it its name is removed at once, so that nothing is left of it however the
    /// process ends; elsewhere it is removed when it is closed.
    /// </summary>
    /// <exception cref="IOException">It can't be made.</exception>
    public static FileStream Create()
    {
        var path = Path.Combine(Path.GetTempPath(), $"espipe-{Guid.NewGuid():N}.tmp");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Delete, BufferSize = 0, Options = FileOptions.DeleteOnClose,
        };
        if (OperatingSystem.IsWindows()) return new FileStream(path, options);
        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(path, options);
        File.Delete(path);
        return file;
    }
}
