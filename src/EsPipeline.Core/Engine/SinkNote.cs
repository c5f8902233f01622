using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Engine;

/// <summary>A sink's note as a job's checkpoint has it.</summary>
internal sealed class SinkNote : ISinkNote
{
    private volatile string? _text;

    /// <inheritdoc/>
    public string? Text => _text;

    /// <summary>Saves the note, where there is a checkpoint to save it with; null where it is kept in memory only.</summary>
    public Func<CancellationToken, Task>? SaveWith { get; set; }

    /// <summary>Hands what was noted in earlier runs to the sink, where it is one that notes.</summary>
    public void Recall(IDataSink sink, Checkpoint? saved)
    {
        _text = saved?.SinkNote;
        (sink as INotingSink)?.Recall(this);
    }

    /// <inheritdoc/>
    public Task KeepAsync(string text, CancellationToken ct)
    {
        _text = text;
        return SaveWith?.Invoke(ct) ?? Task.CompletedTask;
    }
}
