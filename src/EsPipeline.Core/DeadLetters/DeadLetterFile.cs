using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.DeadLetters;

/// <summary>
/// A job's dead letters: JSON Lines, appended and synced, of mode 0600. A key has at most one open letter with a document: a later one
/// settles the earlier, and so does a later record of that key that was written, so that replaying never puts an old document over a newer
/// one. A malformed one is set aside when it is read, before the records ahead of it are written, so these can't settle it: only a run that
/// does not meet it itself can, with a later record of its key.
/// </summary>
/// <remarks>
/// Safe for many threads. Only the holder of the job's lock may change it. A file of several jobs, which have it one after the other, has a
/// lock of its own beside it; each of them sees its own letters only. A file that somebody removes, renames or cuts meanwhile takes its letters
/// with it: what is met from then on is written to the one that has the name.
/// </remarks>
public sealed class DeadLetterFile : IAsyncDisposable
{
    /// <summary>The file's name in a job's folder.</summary>
    public const string DefaultName = "dead-letters.jsonl";

    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile ConcurrentDictionary<string, byte[]> _open = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<byte[], string[]> _openByKey = new(KeyComparer.Instance);
    private readonly HashSet<string> _met = new(StringComparer.Ordinal);
    private FileStream? _file;
    private readonly string? _job;
    private FileStream? _lock;
    private long _length;
    private bool _stale = true;

    private DeadLetterFile(string path, TimeProvider time, string? job) => (Path, _time, _job) = (System.IO.Path.GetFullPath(path), time, job);

    /// <summary>Where the file is, or will be with the first letter.</summary>
    public string Path { get; }

    /// <summary>Letters that are not settled.</summary>
    public int OpenCount => _open.Count;

    /// <summary>Opens a job's file; one that is not there is made with the first letter.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Cancels it.</param>
    /// <param name="job">The job, where the file may hold other jobs' letters, too; null where it is one job's alone.</param>
    /// <exception cref="PipelineException">It can't be read, holds something else than dead letters, or another job has it open.</exception>
    public static async Task<DeadLetterFile> OpenAsync(string path, TimeProvider time, CancellationToken ct, string? job = null)
    {
        var letters = new DeadLetterFile(path, time, job);
        try
        {
            if (job is not null) letters.Lock();
            await letters.LoadAsync(ct).ConfigureAwait(false);
            return letters;
        }
        catch (Exception e)
        {
            await letters.DisposeAsync().ConfigureAwait(false);
            if (e is IOException or UnauthorizedAccessException) throw DeadLetterErrors.Unusable.Error($"The dead-letter file {path} can't be opened: {e.Message}", inner: e);
            throw;
        }
    }

    /// <summary>The letters of a file that are not settled, oldest first. Takes no lock: it may be read while a run appends.</summary>
    public static IAsyncEnumerable<DeadLetter> ReadAsync(string path, CancellationToken ct = default) => ReadAsync(path, job: null, ct);

    /// <summary>Those of one job.</summary>
    /// <param name="path">The file.</param>
    /// <param name="job">Whose letters; null for everybody's.</param>
    /// <param name="ct">Cancels it.</param>
    public static async IAsyncEnumerable<DeadLetter> ReadAsync(string path, string? job, [EnumeratorCancellation] CancellationToken ct)
    {
        // Two passes: the first learns what is settled, so that the second holds one letter at a time.
        var reader = new DeadLetterFile(path, TimeProvider.System, job);
        await foreach (var (id, letter) in DeadLetterLine.ReadAsync(path, ct).ConfigureAwait(false)) reader.Apply(id, letter);
        await foreach (var (id, letter) in DeadLetterLine.ReadAsync(path, ct).ConfigureAwait(false))
        {
            if (letter is not null && reader._open.TryRemove(id, out _)) yield return letter;
        }
    }

    /// <summary>Sets letters aside; they are on the disk when this returns. One that is open already is not written again.</summary>
    /// <exception cref="PipelineException">The file can't be written: nothing that depends on these letters may be taken for safe.</exception>
    public Task AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken ct) => ChangeAsync(
        lines =>
        {
            foreach (var letter in letters)
            {
                var id = letter.Id;
                var isOpen = _open.ContainsKey(id);
                if (letter.Malformed) Meet(id);
                if (isOpen) continue;
                if (!letter.Malformed) SettleAll(letter.Key.Span, "superseded", lines);
                lines.Write(DeadLetterLine.Letter(letter));
                lines.WriteByte((byte)'\n');
                Apply(id, letter);
            }
        },
        ct);

    /// <summary>Notes that this record, or a newer one of its key, is in the sink: its letters are settled.</summary>
    public Task SettleKeyAsync(ReadOnlyMemory<byte> key, string how, CancellationToken ct) => ChangeAsync(
        lines => SettleAll(key.Span, how, lines),
        ct);

    /// <summary>Settles letters by their id.</summary>
    /// <param name="ids">Which; one that is not open is passed over.</param>
    /// <param name="how"><c>replayed</c> or <c>dropped</c>.</param>
    /// <param name="ct">Cancels before anything is written.</param>
    /// <returns>How many were open, and are settled on the disk now.</returns>
    public async Task<int> SettleAsync(IReadOnlyList<string> ids, string how, CancellationToken ct)
    {
        var settled = 0;
        await ChangeAsync(
            lines =>
            {
                foreach (var id in ids.Where(_open.ContainsKey))
                {
                    Settle(id, how, lines);
                    settled++;
                }
            },
            ct).ConfigureAwait(false);
        return settled;
    }

    /// <summary>True where this key has an open letter. Cheap while there are none.</summary>
    public bool HasOpen(ReadOnlySpan<byte> key) => !_openByKey.IsEmpty && OpenLettersOf(key).Length > 0;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_file is not null) await _file.DisposeAsync().ConfigureAwait(false);
        if (_lock is not null) await _lock.DisposeAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    private void Lock() => _lock = DurableFile.TryLock(Path + ".lock") ?? throw DeadLetterErrors.Unusable.Error(
        $"The dead-letter file {Path} is in use by another job.", "Wait until that one has ended, or give each job a file of its own with --dead-letters.");

    private async Task LoadAsync(CancellationToken ct)
    {
        _stale = true;
        Close();
        if (File.Exists(Path))
        {
            CutTornLine(Path);
            _file = Open();
            _length = _file.Position;
        }

        // Read aside: who asks meanwhile whether a key has an open letter is answered as before.
        var found = new DeadLetterFile(Path, _time, _job);
        await using (found.ConfigureAwait(false))
        {
            found._met.UnionWith(_met);
            await foreach (var (id, letter) in DeadLetterLine.ReadAsync(Path, ct).ConfigureAwait(false)) found.Apply(id, letter);
            (_openByKey, _open) = (found._openByKey, found._open);
        }

        _stale = false;
    }

    private FileStream Open() => DurableFile.Open(Path, FileMode.Append, FileAccess.Write);

    private void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    // A file without its name would take letters that nobody finds, and one that was cut would take them behind a hole: .NET appends at an
    // offset that it remembers.
    private bool IsAsLeft() => _file is null
        ? !File.Exists(Path)
        : _file.Length == _length && FileKind.IsAt(_file.SafeFileHandle, Path);

    // A line that a crash or a full disk cut off was never relied upon: its record is met again.
    private static void CutTornLine(string path)
    {
        using var file = DurableFile.Open(path, FileMode.Open);
        var block = new byte[4096];
        for (var end = file.Length; end > 0; end -= block.Length)
        {
            var start = Math.Max(0, end - block.Length);
            file.Position = start;
            var part = block.AsSpan(0, (int)(end - start));
            file.ReadExactly(part);
            var newline = part.LastIndexOf((byte)'\n');
            if (newline < 0) continue;
            if (start + newline + 1 < file.Length) file.SetLength(start + newline + 1);
            return;
        }

        file.SetLength(0);
    }

    private string[] OpenLettersOf(ReadOnlySpan<byte> key) =>
        _openByKey.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var ids) ? ids : [];

    private void SettleAll(ReadOnlySpan<byte> key, string how, MemoryStream lines)
    {
        foreach (var id in OpenLettersOf(key)) Settle(id, how, lines);
    }

    private void Settle(string id, string how, MemoryStream lines)
    {
        lines.Write(DeadLetterLine.Settled(id, how, _time.GetUtcNow()));
        lines.WriteByte((byte)'\n');
        Apply(id, null);
    }

    // From here on no record of its key settles the letter.
    private void Meet(string id)
    {
        if (_met.Add(id) && _open.TryGetValue(id, out var key)) Unlink(key, id);
    }

    private void Apply(string id, DeadLetter? letter)
    {
        if (letter is null)
        {
            if (_open.TryRemove(id, out var key)) Unlink(key, id);
            return;
        }

        if (_job is not null && letter.Job != _job) return;
        var copy = letter.Key.ToArray();
        _open[id] = copy;
        if (copy.Length > 0 && !_met.Contains(id)) _openByKey.AddOrUpdate(copy, [id], (_, ids) => [.. ids.Where(i => i != id), id]);
    }

    private void Unlink(byte[] key, string id)
    {
        if (!_openByKey.TryGetValue(key, out var ids)) return;
        if (ids.Any(i => i != id)) _openByKey[key] = [.. ids.Where(i => i != id)];
        else _openByKey.TryRemove(key, out _);
    }

    private async Task ChangeAsync(Action<MemoryStream> change, CancellationToken ct)
    {
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_stale || !IsAsLeft()) await LoadAsync(ct).ConfigureAwait(false);
            using var lines = new MemoryStream();
            change(lines);
            if (lines.Length == 0) return;
            _stale = true;
            var isNew = _file is null;
            _file ??= Open();
            _file.Write(lines.GetBuffer(), 0, (int)lines.Length);
            DurableFile.Sync(_file);
            if (isNew) DurableFile.SyncFolder(System.IO.Path.GetDirectoryName(Path)!);
            _length = _file.Position;
            _stale = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is in memory may be more than what is on the disk: read the file again before the next change.
            Close();
            throw DeadLetterErrors.Unusable.Error($"The dead-letter file {Path} can't be written: {e.Message}", inner: e);
        }
        finally
        {
            _turn.Release();
        }
    }
}
