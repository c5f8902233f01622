namespace EsPipeline.Core.Verification;

/// <summary>How a comparison stands.</summary>
/// <param name="Looks">The number of the look at both ends that is under way, or was the last: 1 looks at everything; 0 before it.</param>
/// <param name="Read">Records that this look has read at the source.</param>
/// <param name="Seen">Documents that it has read in the sink.</param>
/// <param name="Mended">Documents that were written or deleted to repair the sink.</param>
/// <param name="SourceDownFor">How long the source has been down; null while it is up.</param>
/// <param name="SinkDownFor">How long the sink has been down; null while it is up.</param>
public readonly record struct VerifyProgress(int Looks, long Read, long Seen, long Mended, TimeSpan? SourceDownFor, TimeSpan? SinkDownFor);
