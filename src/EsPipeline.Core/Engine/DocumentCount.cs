using System.Globalization;

namespace EsPipeline.Core.Engine;

/// <summary>How many documents the sink held before a run and after it.</summary>
/// <param name="Place">What holds them, as <see cref="Sinks.ICountableSink.Place"/> says it.</param>
/// <param name="Before">Documents before anything was written.</param>
/// <param name="After">Documents after everything was.</param>
public sealed record DocumentCount(string Place, long Before, long After)
{
    /// <summary>
    /// True where writing so many records can have led from one number to the other: each adds a document, replaces the one of its key, or
    /// removes it.
    /// </summary>
    public bool Fits(long written) => Math.Abs(After - Before) <= written;

    /// <summary>What it comes to, as a sentence.</summary>
    /// <param name="written">The account's records written.</param>
    public string Describe(long written)
    {
        var more = After - Before;
        var change = more switch
        {
            0 => Before == 0 ? "" : ", as many as before",
            > 0 => string.Create(CultureInfo.InvariantCulture, $", {more} more than before"),
            _ => string.Create(CultureInfo.InvariantCulture, $", {-more} fewer than before"),
        };
        var verdict = !Fits(written) ? string.Create(CultureInfo.InvariantCulture, $"that DOES NOT FIT the {written} written: something else writes there too, or keeps documents out")
            : more == written ? "fits the account"

            // Only so many of those that were there before can have been replaced.
            : written - more > Before && more >= 0 ? string.Create(CultureInfo.InvariantCulture, $"fits the account only if at least {written - more - Before} of the {written} written had a key that came more than once, or were deletes")
            : more >= 0 ? string.Create(CultureInfo.InvariantCulture, $"fits the account: {written - more} of the {written} written replaced or deleted documents")
            : string.Create(CultureInfo.InvariantCulture, $"fits the account if at least {-more} of the {written} written were deletes");
        return string.Create(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(Place[0])}{Place[1..]} holds {After} documents{change}; {verdict}.");
    }
}
