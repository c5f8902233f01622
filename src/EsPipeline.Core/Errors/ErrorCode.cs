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
    /// <summary>An error of this kind.</summary>
    public PipelineException Error(string message, string? remedy = null, Exception? inner = null, TimeSpan? retryAfter = null) =>
        new(this, message, remedy, inner) { RetryAfter = retryAfter };

    /// <inheritdoc/>
    public override string ToString() => Code;
}
