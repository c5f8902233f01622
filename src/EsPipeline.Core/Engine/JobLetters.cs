using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.DeadLetters;

namespace EsPipeline.Core.Engine;

/// <summary>A job's dead letters, as whoever writes to its sink uses them: where they lie, whose they are, and what is noted of new ones.</summary>
/// <param name="setup">The job.</param>
/// <param name="state">Its state, held.</param>
internal sealed class JobLetters(PipelineSetup setup, IJobState state)
{
    /// <summary>Where the file is, or will be with the first letter.</summary>
    public string Path { get; } = setup.DeadLetterPath ?? System.IO.Path.Combine(state.Folder, DeadLetterFile.DefaultName);

    /// <summary>Opens the file to change it.</summary>
    public Task<DeadLetterFile> OpenAsync(CancellationToken ct) => DeadLetterFile.OpenAsync(Path, setup.Time, ct, setup.JobOfLetters);

    /// <summary>The job's letters that are not settled, oldest first.</summary>
    public IAsyncEnumerable<DeadLetter> ReadAsync(CancellationToken ct) => DeadLetterFile.ReadAsync(Path, setup.JobOfLetters, ct);

    /// <summary>Sets records aside in the file.</summary>
    /// <param name="letters">The file, open.</param>
    /// <param name="identity">The job's identity, of which a letter has what tells the sink.</param>
    /// <param name="most">How many records may be set aside.</param>
    /// <param name="settleAs">How a letter is settled when its key is written.</param>
    /// <param name="beforeSettling">Makes durable what the sink was given, where it is not on return; null where nothing has to be done.</param>
    public DeadLetterGate GateTo(
        DeadLetterFile letters, JobIdentity identity, long most, string settleAs = "superseded", Func<CancellationToken, Task>? beforeSettling = null) =>
        new(letters, setup.Job, identity.Sink, most, setup.Time, settleAs, beforeSettling);
}
