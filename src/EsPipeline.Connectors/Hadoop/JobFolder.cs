using System.Text;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>The output of one job: its part files, in the order of their names.</summary>
/// <param name="Folder">The folder below the place that is read, with its closing <c>/</c>; empty for that place itself.</param>
/// <param name="Files">The part files that hold anything.</param>
internal sealed record JobFolder(string Folder, IReadOnlyList<StoredObject> Files)
{
    private const string IdStart = "job:";

    /// <summary>The partition that it is.</summary>
    public PartitionId Id => new(IdStart + PrintableText.Escape(Folder));

    /// <summary>Bytes of all files.</summary>
    public long Bytes => Files.Sum(f => f.Size);

    /// <summary>Changes whenever a file appears, disappears or is replaced.</summary>
    public ulong Digest => DigestBefore(Files.Count);

    /// <summary>The folder of a partition; null where the partition is no job.</summary>
    public static string? FolderOf(PartitionId id) =>
        id.Value.StartsWith(IdStart, StringComparison.Ordinal) ? PrintableText.Unescape(id.Value[IdStart.Length..]) : null;

    /// <summary>The job as far as its first files go.</summary>
    public JobFolder First(int files) => files >= Files.Count ? this : this with { Files = [.. Files.Take(files)] };

    /// <summary>How many files, from the first on, have a digest together; null where no number of them has.</summary>
    public int? CountOf(ulong digest)
    {
        ulong sum = 0;
        for (var i = 0; i < Files.Count; i++)
        {
            sum = Add(sum, Files[i]);
            if (sum == digest) return i + 1;
        }

        return null;
    }

    /// <summary>The digest of the first files alone.</summary>
    public ulong DigestBefore(int file)
    {
        ulong digest = 0;
        for (var i = 0; i < file; i++) digest = Add(digest, Files[i]);
        return digest;
    }

    /// <summary>A digest with one more file in it.</summary>
    public static ulong Add(ulong digest, StoredObject file) =>
        KeyHash.Compute64(Encoding.UTF8.GetBytes($"{file.Path}\0{file.Version}\0{file.Size}"), digest);
}
