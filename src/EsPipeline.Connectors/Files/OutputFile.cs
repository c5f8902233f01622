using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using Microsoft.Win32.SafeHandles;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// A file that grows at its end under a temporary name beside its target, can be cut back to an earlier length, and gets its name when it
/// is complete. Standard output and devices are written directly and can't be cut back.
/// </summary>
internal sealed class OutputFile : IAsyncDisposable
{
    private readonly string _target;
    private Stream? _stream;
    private OutputLock? _lock;
    private bool _complete;
    private bool _torn;

    public OutputFile(string path)
    {
        // Where the link of a pipe leads to (/dev/fd/63) is no name that could be opened.
        var full = OutputFileOptions.IsStandardOutput(path) ? "-" : System.IO.Path.GetFullPath(path);
        IsStream = full == "-" || !FileKind.IsRegularOrMissing(full);
        _target = IsStream ? full : Resolve(full);
    }

    /// <summary>The full path that the file of a name has in the end; null for standard output, a pipe or a device.</summary>
    public static string? TargetOf(string path)
    {
        var file = new OutputFile(path);
        return file.IsStream ? null : file._target;
    }

    /// <summary>The full path that the file has in the end.</summary>
    public string Path => _target;

    /// <summary>Where it is while it is being written.</summary>
    public string PartPath => _target + ".part";

    /// <summary>True for standard output, a pipe or a device.</summary>
    public bool IsStream { get; }

    /// <summary>Bytes that were written whole.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes of a complete file behind <see cref="Length"/>, which are cut off before the next ones are written.</summary>
    public long Foreign { get; private set; }

    /// <summary>True where the file has its name, and what is appended goes to its end; for a stream, where everything up to then has been written.</summary>
    public bool IsComplete => _complete;

    /// <summary>Keeps other jobs from writing it, until this is disposed.</summary>
    /// <exception cref="PipelineException"><see cref="FilesErrors.BeingWritten"/>, <see cref="FilesErrors.Unwritable"/>.</exception>
    public void Hold()
    {
        if (IsStream || _lock is not null) return;
        try
        {
            _lock = OutputLock.TryTake(_target + ".lock") ?? throw FilesErrors.BeingWritten.Error($"{_target} is being written by another job.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(e);
        }
    }

    /// <summary>Removes what was not written whole, so that the file holds <see cref="Length"/> bytes.</summary>
    public void CutBack()
    {
        if (!_torn) return;
        _stream ??= Open();
        _stream.SetLength(Length);
        _stream.Position = Length;
        _torn = false;
    }

    /// <summary>Appends bytes; where that fails nothing of them counts, and the next append puts its bytes in their place.</summary>
    /// <exception cref="PipelineException"><see cref="FilesErrors.Unwritable"/>; <see cref="FilesErrors.BrokenOff"/> of a stream.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            CutBack();
            var stream = _stream ??= Open();
            _torn = !IsStream;
            stream.Write(bytes);
            if (IsStream) stream.Flush();
            _torn = false;
            Length += bytes.Length;
        }
        catch (IOException e) when (IsStream && _stream is not null)
        {
            // Some of the bytes may be on their way: sent again they would come twice, and a pipe that has lost its reader gets no other.
            throw FilesErrors.BrokenOff.Error($"{(_target == "-" ? "Standard output" : _target)} can't be written to any more: {e.Message}", inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(e);
        }
    }

    /// <summary>Puts everything on the disk and returns what stands for this length; null where it can't be gone back to.</summary>
    public string? Flush()
    {
        if (IsStream) return null;
        try
        {
            if (_stream is FileStream file) DurableFile.Sync(file);
            return string.Create(CultureInfo.InvariantCulture, $"{(_complete ? "done" : "part")}:{Length}:{TailAt(CurrentPath, Length)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(e);
        }
    }

    /// <summary>Begins an empty file.</summary>
    public void Begin()
    {
        Close();
        (_complete, Length, _torn, Foreign) = (false, 0, false, 0);
        if (IsStream) return;
        try
        {
            File.Delete(PartPath);
            _stream = Open();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(e);
        }
    }

    /// <summary>Goes back to what <see cref="Flush"/> stood for.</summary>
    /// <returns>False where the file is not there, or is not the same up to that length.</returns>
    public bool TryRestore(string token)
    {
        Close();
        if (token.Split(':') is not [var state, var text, var tail] || !long.TryParse(text, out var length)) return false;
        try
        {
            // A crash between the last save and the rename, or between the rename and the save after it, leaves the other name.
            var complete = state == "done" || (!File.Exists(PartPath) && LengthOf(_target) == length);
            var path = complete ? _target : PartPath;
            if (IsStream || LengthOf(path) < length || TailAt(path, length).ToString() != tail) return false;
            (_complete, Length, _torn) = (complete, length, LengthOf(path) > length);
            Foreign = complete ? LengthOf(path) - length : 0;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(e);
        }
    }

    /// <summary>Gives the file its name; what is appended from here on goes to its end.</summary>
    public void Complete()
    {
        if (IsStream) _complete = true;
        if (_complete) return;
        try
        {
            _stream ??= Open();
            if (_torn) _stream.SetLength(Length);
            DurableFile.Sync((FileStream)_stream);
            Close();
            File.Move(PartPath, _target, overwrite: true);
            DurableFile.SyncFolder(System.IO.Path.GetDirectoryName(_target)!);
            _complete = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem(e);
        }
    }

    /// <summary>What is wrong with writing here; null where nothing is. Leaves nothing behind.</summary>
    public PipelineException? Check()
    {
        if (IsStream) return null;
        if (Directory.Exists(_target)) return FilesErrors.Unwritable.Error($"{_target} is a folder.", "Give a file's name with --output-file.");
        var probe = $"{_target}.check-{Environment.ProcessId}";
        try
        {
            File.Create(probe).Dispose();
            File.Delete(probe);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Problem(e);
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        _lock?.Dispose();
        _lock = null;
        return ValueTask.CompletedTask;
    }

    private string CurrentPath => _complete ? _target : PartPath;

    private static long LengthOf(string path) => File.Exists(path) ? new FileInfo(path).Length : -1;

    private static Fingerprint TailAt(string path, long length)
    {
        if (length == 0) return default;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var tail = new byte[Math.Min(length, Fingerprint.MaxLength)];
        file.Position = length - tail.Length;
        file.ReadExactly(tail);
        return Fingerprint.Of(tail);
    }

    // A symbolic link is followed, so that the rename replaces the file and not the link.
    private static string Resolve(string full) =>
        new FileInfo(full).LinkTarget is null ? full : File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;

    private Stream Open()
    {
        if (_target == "-") return OpenStandardOutput();
        if (IsStream) return new FileStream(_target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        FileStream stream;
        if (OperatingSystem.IsWindows() || _complete || !File.Exists(_target))
        {
            stream = new FileStream(CurrentPath, options);
        }
        else
        {
            // Who might read the file that is replaced may read the new one, and nobody else.
            var mode = File.GetUnixFileMode(_target) | UnixFileMode.UserWrite;
            options.UnixCreateMode = mode;
            stream = new FileStream(CurrentPath, options);
            if (File.GetUnixFileMode(stream.SafeFileHandle) != mode) File.SetUnixFileMode(stream.SafeFileHandle, mode);
        }

        stream.Position = Length;
        return stream;
    }

    // .NET's console stream says of what it writes into a pipe without a reader that it is written: records would be lost in silence. A file
    // has no reader to lose, and only the console stream moves the position that it shares with what writes there next.
    private static Stream OpenStandardOutput()
    {
        if (OperatingSystem.IsWindows()) return Console.OpenStandardOutput();
        const int standardOutput = 1;
        var stream = new FileStream(new SafeFileHandle(standardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return stream.CanSeek ? Console.OpenStandardOutput() : stream;
    }

    private void Close()
    {
        _stream?.Dispose();
        _stream = null;
    }

    /// <summary>What a person is told when the file, or what lies beside it, can't be written.</summary>
    public PipelineException Problem(Exception e) => FilesErrors.Unwritable.Error($"{_target} can't be written: {e.Message}", inner: e);
}
