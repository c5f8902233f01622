using System.Text.Json;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Checkpoints;

/// <summary>
/// The runs of a job in its folder: <c>run.json</c> is the last one, <c>runs.jsonl</c> those that ended, oldest first. A run that has ended is
/// added to these before it is noted as the last one, and one that is among them counts once.
/// </summary>
internal sealed class RunHistory(string folder)
{
    /// <summary>The history is cut to <see cref="Kept"/> lines when it has grown to twice as many: a job a minute would fill a disk.</summary>
    internal const int Kept = 1000;

    private readonly string _current = Path.Combine(folder, "run.json");
    private readonly string _ended = Path.Combine(folder, "runs.jsonl");

    /// <summary>Notes the end of a run whose process died. Only the holder of the job's lock may call it.</summary>
    public async Task CloseUnendedAsync(CancellationToken ct)
    {
        if (await ReadAsync(most: 1, ct).ConfigureAwait(false) is [{ Ended: null } run])
        {
            await NoteAsync(run with { Ended = run.Updated, Outcome = RunOutcome.Killed }, ct).ConfigureAwait(false);
        }
    }

    public async Task NoteAsync(RunRecord run, CancellationToken ct)
    {
        var text = RunRecordText.Write(run);
        if (run.Ended is not null) await AppendAsync(text, ct).ConfigureAwait(false);
        await DurableFile.ReplaceAsync(_current, text, ct, sync: false).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<RunRecord>> ReadAsync(int most, CancellationToken ct)
    {
        // In this order: a run that ends in between is met twice, and not never.
        var current = await ReadCurrentAsync(ct).ConfigureAwait(false);
        var runs = (await LinesAsync(ct).ConfigureAwait(false)).AsEnumerable().Reverse().Select(Parse).OfType<RunRecord>().Take(most).ToList();
        if (current is { Ended: null } && runs.FirstOrDefault()?.Id != current.Id) runs.Insert(0, current);
        return runs.Count > most ? runs[..most] : runs;
    }

    private async Task AppendAsync(byte[] text, CancellationToken ct)
    {
        await TrimAsync(ct).ConfigureAwait(false);
        var file = DurableFile.Open(_ended, FileMode.OpenOrCreate);
        await using (file.ConfigureAwait(false))
        {
            // A line that a crash or a full disk cut off must not spoil this one.
            var isTorn = file.Length > 0 && file.Seek(-1, SeekOrigin.End) >= 0 && file.ReadByte() != '\n';
            await file.WriteAsync((byte[])[.. isTorn ? "\n"u8 : [], .. text, (byte)'\n'], ct).ConfigureAwait(false);
            DurableFile.Sync(file);
        }
    }

    private async Task TrimAsync(CancellationToken ct)
    {
        var lines = await LinesAsync(ct).ConfigureAwait(false);
        if (lines.Length < 2 * Kept) return;
        var kept = string.Join('\n', lines[^Kept..]) + "\n";
        await DurableFile.ReplaceAsync(_ended, System.Text.Encoding.UTF8.GetBytes(kept), ct).ConfigureAwait(false);
    }

    private async Task<string[]> LinesAsync(CancellationToken ct)
    {
        try
        {
            return await File.ReadAllLinesAsync(_ended, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    private async Task<RunRecord?> ReadCurrentAsync(CancellationToken ct)
    {
        try
        {
            return Parse(await File.ReadAllTextAsync(_current, ct).ConfigureAwait(false));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    // The history is for people: a line that a crash cut off is passed over, it guards nothing.
    private static RunRecord? Parse(string text)
    {
        try
        {
            return RunRecordText.Read(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
