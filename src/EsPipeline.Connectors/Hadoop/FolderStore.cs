using System.Globalization;
using System.IO.Enumeration;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// A folder on this machine. Symbolic links to files are read; those to folders, which may lead in circles, are not followed. Hidden folders are not
/// looked into: a framework's own may be closed to others, and come and go.
/// </summary>
internal sealed class FolderStore(string path) : IObjectStore
{
    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
    };

    private readonly string _root = Path.GetFullPath(path);

    public string Description => $"folder {_root}";

    public IReadOnlyDictionary<string, string> Identity => new Dictionary<string, string> { ["folder"] = _root };

    public IReadOnlyList<string> Warnings { get; private set; } = [];

    public string NameOf(StoredObject file) => Path.Combine(_root, file.Path);

    public Task CheckAsync(CancellationToken ct)
    {
        var linked = Guard(() => Entries().Where(e => e is { IsLink: true, IsFolder: true }).Select(e => e.Entry.FullName).Order(StringComparer.Ordinal).ToArray());
        Warnings = linked.Length == 0
            ? []
            : [$"{linked[0]}{(linked.Length > 1 ? $" and {linked.Length - 1} more are links to folders, which are" : " is a link to a folder, which is")} not followed: read each with a --hadoop-path of its own."];
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<StoredObject>> ListAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<StoredObject>>(Guard(() =>
    {
        var files = new List<StoredObject>();
        foreach (var (entry, isLink, isFolder) in Entries())
        {
            ct.ThrowIfCancellationRequested();
            var name = Path.GetRelativePath(_root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
            try
            {
                var file = isFolder ? null : isLink ? Target(entry, name) : (FileInfo)entry;
                if (file is not null) files.Add(new StoredObject(name, file.Length, VersionOf(file.LastWriteTimeUtc)));
            }
            catch (FileNotFoundException)
            {
                // It was removed or renamed since its name was read: the folder is listed as it is without it.
            }
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

    private static bool IsLink(ref FileSystemEntry entry) => entry.Attributes.HasFlag(FileAttributes.ReparsePoint);

    // Null for what is no data, whatever it leads to.
    private static FileInfo? Target(FileSystemInfo link, string name)
    {
        if (link.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true } file) return file;
        return JobListing.IsHidden(name) ? null : throw HadoopErrors.BrokenLink.Error($"{link.FullName} is a link to {link.LinkTarget}, which is not there.");
    }

    // Every file that is not in a hidden folder, and the folders that are links.
    private FileSystemEnumerable<(FileSystemInfo Entry, bool IsLink, bool IsFolder)> Entries() =>
        new(_root, (ref e) => (e.ToFileSystemInfo(), IsLink(ref e), e.IsDirectory), Everything)
        {
            ShouldRecursePredicate = (ref e) => !IsLink(ref e) && !JobListing.IsHidden(e.FileName),
            ShouldIncludePredicate = (ref e) => !e.IsDirectory || IsLink(ref e),
        };

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
