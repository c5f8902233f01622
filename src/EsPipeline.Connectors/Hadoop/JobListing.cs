namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// The jobs among many files. A job's folder is the nearest one above a file that holds <c>_SUCCESS</c>; names that begin with <c>_</c> or
/// <c>.</c>, and everything below such a folder, are the framework's own and no data. A job into which <c>hadoop fs -put</c> is copying a file at
/// this moment is not finished, whatever else it holds; where a folder with part files is a job without more, only that file is left out.
/// </summary>
/// <param name="Jobs">The jobs, in the order of their folders' bytes.</param>
/// <param name="Unfinished">Folders with part files and no <c>_SUCCESS</c>, in that order.</param>
/// <param name="Copied">Files that are being copied.</param>
internal sealed record JobListing(IReadOnlyList<JobFolder> Jobs, IReadOnlyList<string> Unfinished, IReadOnlyList<string> Copied)
{
    private const string Success = "_SUCCESS";

    // Stands behind a file's name until it is whole (Hadoop's CommandWithDestination); Spark reads no such file either.
    private const string BeingCopied = "._COPYING_";

    /// <summary>Finds the jobs.</summary>
    /// <param name="files">Every file.</param>
    /// <param name="requireSuccess">False to take each folder with part files for a job.</param>
    public static JobListing Of(IReadOnlyList<StoredObject> files, bool requireSuccess)
    {
        var finished = files.Where(f => f.Name == Success && !IsHidden(f.Folder)).Select(f => f.Folder).ToHashSet(StringComparer.Ordinal);
        var parts = new Dictionary<string, List<StoredObject>>(StringComparer.Ordinal);
        var (unfinished, waiting, copied) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal), new List<string>());
        foreach (var file in files)
        {
            var isBeingCopied = file.Name.EndsWith(BeingCopied, StringComparison.Ordinal);
            if (IsHidden(file.Path) || (file.Size == 0 && !isBeingCopied && !Packing.IsPacked(file))) continue;
            var folder = Nearest(file.Folder, finished) ?? (requireSuccess ? null : file.Folder);
            if (isBeingCopied)
            {
                copied.Add(file.Path);
                if (folder is not null && requireSuccess) waiting.Add(folder);
                continue;
            }

            if (folder is null) unfinished.Add(file.Folder);
            else if (parts.TryGetValue(folder, out var list)) list.Add(file);
            else parts[folder] = [file];
        }

        var jobs = new List<JobFolder>(parts.Count);
        foreach (var (folder, list) in parts.Where(p => !waiting.Contains(p.Key)).OrderBy(p => p.Key, KeyOrder.Instance))
        {
            list.Sort((a, b) => KeyOrder.Instance.Compare(a.Path, b.Path));
            jobs.Add(new JobFolder(folder, list));
        }

        return new JobListing(jobs, [.. unfinished.Order(KeyOrder.Instance)], copied);
    }

    /// <summary>
    /// A folder on the way to a data file whose name is a column and its value (<c>dt=2024-01-01</c>), as Spark and Hive write partitions: the files
    /// themselves do not hold that column. Null for none.
    /// </summary>
    public string? PartitionFolder
    {
        get
        {
            foreach (var file in Jobs.SelectMany(j => j.Files))
            {
                foreach (var range in file.Folder.AsSpan().Split('/'))
                {
                    if (file.Folder.AsSpan(range).IndexOf('=') > 0) return file.Folder[..range.End.Value];
                }
            }

            return null;
        }
    }

    /// <summary>True for what is the framework's own and no data; <c>_dt=2024-01-01</c> is a column and its value, as it is to Spark.</summary>
    public static bool IsHidden(ReadOnlySpan<char> path)
    {
        foreach (var range in path.Split('/'))
        {
            if (path[range] is ['.', ..] || (path[range] is ['_', ..] && !path[range].Contains('='))) return true;
        }

        return false;
    }

    // The folder itself, or one above it.
    private static string? Nearest(string folder, HashSet<string> finished)
    {
        while (!finished.Contains(folder))
        {
            if (folder.Length == 0) return null;
            folder = folder[..(folder.AsSpan(0, folder.Length - 1).LastIndexOf('/') + 1)];
        }

        return folder;
    }
}
