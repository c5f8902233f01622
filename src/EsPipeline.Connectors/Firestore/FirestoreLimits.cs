namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// What Firestore refuses a document for, from https://cloud.google.com/firestore/quotas and
/// https://cloud.google.com/firestore/docs/storage-size, each checked against the emulator.
/// </summary>
/// <remarks>
/// Only what is refused for certain is checked before it is sent; the rest is left to the server, whose refusal becomes the record's
/// own. An indexed value of more than 1,500 bytes is not refused (its index entry is cut); whether a document has more than 40,000 index
/// entries depends on the database's index exemptions.
/// </remarks>
internal static class FirestoreLimits
{
    /// <summary>The most bytes of a document, by the published formula, its name included.</summary>
    public const int MaxDocumentBytes = 1_048_576;

    /// <summary>The most bytes of one text or bytes value.</summary>
    public const int MaxValueBytes = 1_048_487;

    /// <summary>The most maps and arrays within each other.</summary>
    public const int MaxDepth = 20;

    /// <summary>The most bytes of a document's id, a collection's id, or a field's name with those that lead to it and the dots between.</summary>
    public const int MaxNameBytes = 1500;

    /// <summary>The most bytes of a document's whole name.</summary>
    public const int MaxPathBytes = 6 * 1024;

    /// <summary>The most writes in one request.</summary>
    public const int MaxWrites = 500;

    /// <summary>The most bytes of one request to the service.</summary>
    public const int MaxRequestBytes = 10 << 20;

    /// <summary>The most bytes of one request to the emulator.</summary>
    public const int MaxEmulatorRequestBytes = 4 << 20;

    /// <summary>What a document's size begins with.</summary>
    public const int DocumentOverhead = 32;

    /// <summary>What a document name's size begins with.</summary>
    public const int NameOverhead = 16;
}
