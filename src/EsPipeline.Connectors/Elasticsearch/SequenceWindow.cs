using System.Globalization;
using System.Text.RegularExpressions;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// How wide the next window of sequence numbers is and how many documents a page may hold: wider where pages come back thin because most
/// numbers belong to operations that were superseded, shorter where documents are large. Kept for one part of a shard across retries.
/// </summary>
internal sealed partial class SequenceWindow
{
    /// <summary>The most documents in a page: the servers' own <c>index.max_result_window</c>, unless an index sets less.</summary>
    public const int MostDocuments = 10_000;

    /// <summary>About how many bytes a page is meant to have: large enough that its cost per request is nothing, small enough to hold several; with a tenth to spare it fits an array of 4 MiB.</summary>
    public const int TargetBytes = 3_600_000;

    private const int FirstDocuments = 1000;
    private const long Widest = 1L << 40;

    private int _limit;

    /// <param name="documentBytes">How large a document is thought to be; 0 where nothing is known.</param>
    /// <param name="mostDocuments">The most documents in a page.</param>
    public SequenceWindow(long documentBytes, int mostDocuments = MostDocuments)
    {
        _limit = mostDocuments;
        PageSize = (int)Math.Clamp(TargetBytes / Math.Max(documentBytes, 1), 1, Math.Min(FirstDocuments, mostDocuments));
        Width = PageSize;
    }

    /// <summary>The most documents that the next page may hold.</summary>
    public int PageSize { get; private set; }

    /// <summary>How many sequence numbers the next window spans.</summary>
    public long Width { get; private set; }

    /// <summary>How large the next page is expected to be.</summary>
    public int ExpectedBytes { get; private set; } = 64 * 1024;

    /// <summary>True where a page can't be full before its window ends, so that the next window is known beforehand.</summary>
    public bool IsExact => Width <= PageSize;

    /// <summary>Learns from a page.</summary>
    /// <param name="span">How many sequence numbers it covered.</param>
    /// <param name="hits">How many documents they were.</param>
    /// <param name="bytes">How many bytes the answer had.</param>
    public void Learn(long span, int hits, int bytes)
    {
        if (hits > 0)
        {
            var fitting = Math.Clamp((long)TargetBytes * hits / bytes, 1, _limit);
            PageSize = (int)Math.Min(fitting, PageSize * 4L);
            ExpectedBytes = (int)Math.Min(Array.MaxLength, ((long)bytes * PageSize / hits) + (bytes / 10));
        }

        // Where nearly every number is a document, windows are as wide as a page is long, and no page is ever cut off by its size.
        var wanted = hits == 0 ? long.MaxValue : (long)((double)PageSize * span / hits * 0.9);
        Width = hits * 10L >= span * 8 ? PageSize : Math.Clamp(Math.Min(wanted, Width * 8), PageSize, Widest);
    }

    /// <summary>The last page was too much, for memory or for the server.</summary>
    public void Shrink()
    {
        PageSize = Math.Max(1, PageSize / 8);
        Width = Math.Max(1, Width / 8);
        ExpectedBytes = 64 * 1024;
    }

    /// <summary>The most documents that a page may have, where a refusal says that one was to have more (<c>index.max_result_window</c>); null otherwise.</summary>
    public static int? LimitIn(string refusal) =>
        TooLarge().Match(refusal) is { Success: true } match ? int.Parse(match.Groups["most"].Value, CultureInfo.InvariantCulture) : null;

    /// <summary>The server takes no larger pages of this index.</summary>
    public void LimitTo(int documents)
    {
        _limit = Math.Max(1, documents);
        PageSize = Math.Min(PageSize, _limit);
    }

    [GeneratedRegex(@"(Result window|Batch size) is too large.*less than or equal to: \[(?<most>\d+)\]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TooLarge();
}
