namespace EsPipeline.Core.Errors;

/// <summary>
/// One kind of error. Every code is a <c>public static readonly</c> field of a class named <c>…Errors</c> beside the code that raises
/// it, so that the list of all codes is the code itself.
/// </summary>
/// <param name="Code">Dotted and stable: <c>system.what</c>.</param>
/// <param name="Kind">Whether trying again can help.</param>
/// <param name="Meaning">One sentence: what it means when this happens.</param>
/// <param name="Remedy">One sentence: what to do.</param>
public sealed record ErrorCode(string Code, FailureKind Kind, string Meaning, string Remedy)
{
    /// <summary>
    /// More to do after <see cref="Remedy"/>, a step each, for <c>--simple-errors</c>; what goes for every error of a kind is added by itself. A
    /// command stands between backquotes. <c>{--option}</c>, <c>{ENVIRONMENT_NAME}</c> for what has no option, <c>{job-options}</c> and the names
    /// of <see cref="Configuration.IEffectiveOptions"/> stand for the values of the case; never a secret's.
    /// </summary>
    public IReadOnlyList<string> Steps { get; init; } = [];

    /// <summary>True where waiting does not help: it ends a run that waits other failures out, too (an index that was replaced).</summary>
    public bool EndsRun { get; init; }

    /// <summary>
    /// True where the source is not as it was when the pass was planned (a column is gone, a replication slot), so that neither waiting nor
    /// trying again helps: the pass ends, what it has read is written, and it is planned anew. Where that is not done, it ends the run.
    /// </summary>
    public bool PlansAnew { get; init; }

    /// <summary>
    /// True for a transient failure of one record that may be that record's own fault (a server that breaks at one document): where it comes
    /// again and again while other records are taken, the record is set aside.
    /// </summary>
    public bool MayBlameRecord { get; init; }

    /// <summary>An error of this kind.</summary>
    public PipelineException Error(string message, string? remedy = null, Exception? inner = null, TimeSpan? retryAfter = null) =>
        new(this, message, remedy, inner) { RetryAfter = retryAfter };

    /// <inheritdoc/>
    public override string ToString() => Code;
}
