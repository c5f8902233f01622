namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// The jobs among many files. A job's folder is the nearest one above a file that holds <c>_SUCCESS</c>; names that begin with <c>_</c> or
/// <c>.</c>, and everything below such a folder, are the framework's own and no data.
/// </summary>
/// <param name="Jobs">The jobs, in the order of their folders' bytes.</param>
/// <param name="Unfinished">Folders with part files and no <c>_SUCCESS</c>, in that order.</param>
internal sealed record JobListing(IReadOnlyList<JobFolder> Jobs, IReadOnlyList<string> Unfinished)
{
    private const string Success = "_SUCCESS";

    /// <summary>Finds the jobs.</summary>
    /// <param name="files">Every file.</param>
    /// <param name="requireSuccess">False to take each folder with part files for a job.</param>
    public static JobListing Of(IReadOnlyList<StoredObject> files, bool requireSuccess)
    {
        var finished = files.Where(f => f.Name == Success && !IsHidden(f.Folder)).Select(f => f.Folder).ToHashSet(StringComparer.Ordinal);
        var parts = new Dictionary<string, List<StoredObject>>(StringComparer.Ordinal);
        var unfinished = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            if (file.Size == 0 || IsHidden(file.Path)) continue;
            var folder = Nearest(file.Folder, finished) ?? (requireSuccess ? null : file.Folder);
            if (folder is null) unfinished.Add(file.Folder);
            else if (parts.TryGetValue(folder, out var list)) list.Add(file);
            else parts[folder] = [file];
        }

        var jobs = new List<JobFolder>(parts.Count);
        foreach (var (folder, list) in parts.OrderBy(p => p.Key, KeyOrder.Instance))
        {
            list.Sort((a, b) => KeyOrder.Instance.Compare(a.Path, b.Path));
            jobs.Add(new JobFolder(folder, list));
        }

        return new JobListing(jobs, [.. unfinished.Order(KeyOrder.Instance)]);
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

    /// <summary>True for what is the framework's own and no data.</summary>
    public static bool IsHidden(string path)
    {
        foreach (var range in path.AsSpan().Split('/'))
        {
            if (path.AsSpan(range) is ['_' or '.', ..]) return true;
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
