using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// The files that a run follows, held open from one look to the next: one that has been renamed or removed meanwhile (a log that was rotated) is
/// read to its end, before the one that has its name now. On Linux, where an open file can be opened once more whatever has become of its name.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class HeldFiles(TimeProvider time) : IDisposable
{
    private readonly Dictionary<string, FileStream> _held = new(StringComparer.Ordinal);
    private readonly Dictionary<PartitionId, Rotated> _rotated = [];
    private readonly HashSet<string> _nameless = new(StringComparer.Ordinal);

    /// <summary>Holds the file that has a name now.</summary>
    public void Hold(InputFile file)
    {
        if (file.IsCompressed || _held.ContainsKey(file.Path)) return;
        try
        {
            _held[file.Path] = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw file.Problem(e);
        }
    }

    /// <summary>Lets go of what has had no name for two looks: one that is being rotated has none for a moment.</summary>
    /// <param name="paths">The names that there are now.</param>
    public void LetGo(IEnumerable<string> paths)
    {
        var names = paths.ToHashSet(StringComparer.Ordinal);
        _nameless.ExceptWith(names);
        foreach (var path in _held.Keys.Concat(_rotated.Values.Select(r => r.Path)).Distinct().Where(p => !names.Contains(p)).ToArray())
        {
            if (_nameless.Add(path)) continue;
            _nameless.Remove(path);
            if (_held.Remove(path, out var stream)) stream.Dispose();
            foreach (var (id, rotated) in _rotated.Where(r => r.Value.Path == path).ToArray())
            {
                rotated.Stream.Dispose();
                _rotated.Remove(id);
            }
        }
    }

    /// <summary>
    /// What there is to read of files that had a name before, the oldest first: of one that has lost it since the last look, and of those before it
    /// as long as they grow.
    /// </summary>
    /// <param name="file">The file that has the name now.</param>
    /// <param name="position">How far the one was read that had it at the last look.</param>
    /// <param name="saved">How far everything is safe.</param>
    /// <param name="isWhatWasRead">Whether a file is the one that a position is of.</param>
    public async Task<IReadOnlyList<Partition>> BeforeAsync(
        InputFile file, FilePosition position, IReadOnlyDictionary<PartitionId, Position> saved, Func<InputFile, FilePosition, Task<bool>> isWhatWasRead)
    {
        if (_held.TryGetValue(file.Path, out var held) && !FileKind.IsAt(held.SafeFileHandle, file.Path))
        {
            _held.Remove(file.Path);
            var lost = new Rotated(file.Path, held, position);
            if (await isWhatWasRead(lost.Input, position).ConfigureAwait(false)) _rotated[new PartitionId($"{file.Path} (before {time.GetUtcNow().UtcTicks})")] = lost;
            else await held.DisposeAsync().ConfigureAwait(false);
        }

        var partitions = new List<Partition>();
        foreach (var (id, rotated) in _rotated.Where(r => r.Value.Path == file.Path).OrderBy(r => r.Key.Value, StringComparer.Ordinal).ToArray())
        {
            var read = saved.TryGetValue(id, out var at) ? FilePosition.Parse(at) : rotated.From;

            // A line end that came after its line was read is passed over without being counted.
            var length = rotated.Stream.Length;
            var grows = length > read.Offset && (length != rotated.Seen || read.Offset != rotated.From.Offset);
            if (grows) partitions.Add(new Partition(id, read.ToPosition()) { InOrder = true, Extent = length - read.Offset });

            // Whoever writes it may be told of the new one only a little later, so it is looked at once more.
            if (grows || !rotated.IsRead)
            {
                _rotated[id] = rotated with { From = read, Seen = length, IsRead = !grows };
                continue;
            }

            await rotated.Stream.DisposeAsync().ConfigureAwait(false);
            _rotated.Remove(id);
        }

        return partitions;
    }

    /// <summary>The file of such a partition; null for any other.</summary>
    public InputFile? FileOf(PartitionId id) => _rotated.TryGetValue(id, out var rotated) ? rotated.Input : null;

    public void Dispose()
    {
        foreach (var stream in _held.Values.Concat(_rotated.Values.Select(r => r.Stream))) stream.Dispose();
    }

    private sealed record Rotated(string Path, FileStream Stream, FilePosition From, long Seen = -1, bool IsRead = false)
    {
        public InputFile Input => new($"/proc/self/fd/{Stream.SafeFileHandle.DangerousGetHandle()}") { Name = System.IO.Path.GetFileName(Path) };
    }
}
