using System.Globalization;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>A folder on this machine. Symbolic links in it are not followed.</summary>
internal sealed class FolderStore(string path) : IObjectStore
{
    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = false,
    };

    private readonly string _root = Path.GetFullPath(path);

    public string Description => $"folder {_root}";

    public IReadOnlyDictionary<string, string> Identity => new Dictionary<string, string> { ["folder"] = _root };

    public IReadOnlyList<string> Warnings => [];

    public string NameOf(StoredObject file) => Path.Combine(_root, file.Path);

    public Task CheckAsync(CancellationToken ct)
    {
        Guard(() => Directory.EnumerateFileSystemEntries(_root).Any());
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<StoredObject>> ListAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<StoredObject>>(Guard(() =>
    {
        var files = new List<StoredObject>();
        foreach (var file in new DirectoryInfo(_root).EnumerateFiles("*", Everything))
        {
            ct.ThrowIfCancellationRequested();
            var name = Path.GetRelativePath(_root, file.FullName).Replace(Path.DirectorySeparatorChar, '/');
            files.Add(new StoredObject(name, file.Length, VersionOf(file.LastWriteTimeUtc)));
        }

        return files;
    }));

    public async Task ReadAsync(StoredObject file, long offset, Memory<byte> buffer, CancellationToken ct)
    {
        try
        {
            using var handle = File.OpenHandle(NameOf(file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.Asynchronous);
            if (RandomAccess.GetLength(handle) != file.Size || VersionOf(File.GetLastWriteTimeUtc(handle)) != file.Version)
            {
                throw new ObjectChangedException(file.Path);
            }

            while (!buffer.IsEmpty)
            {
                var read = await RandomAccess.ReadAsync(handle, buffer, offset, ct).ConfigureAwait(false);
                if (read == 0) throw new ObjectChangedException(file.Path);
                offset += read;
                buffer = buffer[read..];
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ObjectChangedException(file.Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw HadoopErrors.Unreadable.Error($"{NameOf(file)} can't be read: {e.Message}", inner: e);
        }
    }

    public void Dispose()
    {
    }

    private static string VersionOf(DateTime changed) => changed.Ticks.ToString(CultureInfo.InvariantCulture);

    private T Guard<T>(Func<T> list)
    {
        try
        {
            return list();
        }
        catch (DirectoryNotFoundException e)
        {
            throw HadoopErrors.NoFolder.Error($"{_root} is not there.", inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw HadoopErrors.Unreadable.Error($"{_root} can't be listed: {e.Message}", inner: e);
        }
    }
}
