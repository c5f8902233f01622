using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Columns;

/// <summary>
/// The columns of somebody else's table that documents of a job have ever had fields for: they stay the documents' in later runs, null where
/// a document has lost the field. Says once which columns are left alone. Safe for many threads.
/// </summary>
internal sealed class FieldMemory(ILogger log) : IDisposable
{
    private readonly SemaphoreSlim _keeping = new(1);
    private ISinkNote? _note;
    private ImmutableHashSet<string> _kept = [];
    private bool _hasKept;
    private bool _beganEmpty;
    private bool _hasTold;

    /// <summary>The columns that were written in earlier runs.</summary>
    public IReadOnlyCollection<string> Columns => Volatile.Read(ref _kept);

    /// <summary>Reads what earlier runs have noted.</summary>
    public void Recall(ISinkNote note)
    {
        _note = note;
        if (note.Text is null || JsonNode.Parse(note.Text) is not JsonObject noted) return;
        _kept = [.. (noted["columns"] as JsonArray ?? []).Select(c => (string)c!)];
        _beganEmpty = (bool?)noted["began_empty"] ?? false;
        _hasKept = true;
    }

    /// <summary>
    /// Says whether the table has a row before this run writes one. Where the job's first run found none, no column can hold what documents
    /// had before the job.
    /// </summary>
    public void Found(bool isEmpty)
    {
        if (!_hasKept) _beganEmpty = isEmpty;
    }

    /// <summary>
    /// Takes note of the columns that are about to be written, durably. Called before each write, whichever comes first to a column: a crash
    /// after the write must not forget it.
    /// </summary>
    /// <param name="table">The table's name, for people.</param>
    /// <param name="written">The columns that are written.</param>
    /// <param name="others">Columns that could be written and are left as they are.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Core.Errors.PipelineException">The state store can't be written.</exception>
    public async ValueTask KeepAsync(string table, IEnumerable<string> written, IEnumerable<string> others, CancellationToken ct)
    {
        if (Volatile.Read(ref _hasTold) && Columns is ImmutableHashSet<string> kept && kept.IsSupersetOf(written)) return;
        await _keeping.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            var more = written.Where(c => !_kept.Contains(c)).ToArray();
            var all = _kept.Union(more);
            if (_note is not null && (more.Length > 0 || !_hasKept)) await _note.KeepAsync(Text(all), ct).ConfigureAwait(false);
            if (!_beganEmpty) Tell(table, more, others);
            Volatile.Write(ref _kept, all);
            _hasKept = true;
            Volatile.Write(ref _hasTold, true);
        }
        finally
        {
            _keeping.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _keeping.Dispose();

    private void Tell(string table, string[] more, IEnumerable<string> others)
    {
        if (_hasKept && more.Length > 0) Log.ColumnsMetLate(log, table, Names(more));
        if (!_hasTold && Names(others) is { Length: > 0 } alone) Log.ColumnsLeftAlone(log, table, alone);
    }

    private static string Names(IEnumerable<string> columns) => string.Join(", ", columns.Select(c => $"'{c}'"));

    private string Text(IEnumerable<string> columns) =>
        JsonSerializer.Serialize(new { columns = columns.Order(StringComparer.Ordinal), began_empty = _beganEmpty });
}
