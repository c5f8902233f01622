using System.Text.Json;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// The indices behind an alias to which a snapshot has copied documents, kept with the job's positions: what these say is copied is there only
/// for as long as the alias means all of these indices, in this run and in one that goes on with the snapshot. Safe for many threads.
/// </summary>
internal sealed class CopiedIndices : IDisposable
{
    private readonly SemaphoreSlim _adding = new(1);
    private Dictionary<string, string> _names = [];
    private ISinkNote? _note;

    /// <summary>Reads what earlier runs have noted; one that could not note it yet has left nothing.</summary>
    public void Recall(ISinkNote note)
    {
        _note = note;
        _names = note.Text is { } text ? JsonSerializer.Deserialize<Note>(text)?.CopiedTo ?? [] : [];
    }

    /// <summary>Takes note of the index that a snapshot is copied to from now on, durably. An index itself is known by the job's identity.</summary>
    /// <exception cref="PipelineException"><see cref="ElasticsearchErrors.IndexReplaced"/>: the alias does not mean one of the indices before any more.</exception>
    public async Task AddAsync(TargetIndex target, CancellationToken ct)
    {
        if (!target.IsAlias || target.Uuid is not { } uuid) return;
        await _adding.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_names.FirstOrDefault(n => !target.Behind.Values.Contains(n.Key)).Value is { } lost)
            {
                throw ElasticsearchErrors.IndexReplaced.Error(
                    $"The alias '{target.Name}' means {target.Concrete} and no longer {lost}, to which a part of the data was copied.");
            }

            if (_names.ContainsKey(uuid)) return;
            var names = new Dictionary<string, string>(_names) { [uuid] = target.Concrete };
            if (_note is not null) await _note.KeepAsync(JsonSerializer.Serialize(new Note(names)), ct).ConfigureAwait(false);
            _names = names;
        }
        finally
        {
            _adding.Release();
        }
    }

    /// <summary>Forgets them: the snapshot is complete, and what comes later goes where the alias means, though indices before may be deleted.</summary>
    public async Task ForgetAsync(CancellationToken ct)
    {
        if (_names.Count == 0) return;
        if (_note is not null) await _note.KeepAsync(JsonSerializer.Serialize(new Note([])), ct).ConfigureAwait(false);
        _names = [];
    }

    /// <inheritdoc/>
    public void Dispose() => _adding.Dispose();

    /// <summary>What is noted: the names of the indices by their UUIDs.</summary>
    private sealed record Note(Dictionary<string, string>? CopiedTo);
}
