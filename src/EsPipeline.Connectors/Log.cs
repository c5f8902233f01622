using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors;

/// <summary>What the connectors log; event ids 2000 to 2999, a hundred for each system.</summary>
internal static partial class Log
{
    // Files: 2000 to 2099.
    [LoggerMessage(2000, LogLevel.Warning,
        "{Count} rows of {File} have something in '{Column}' that begins like JSON and is none; they were copied as plain rows, the first is line {Line}")]
    public static partial void BrokenContents(ILogger logger, long count, string column, string file, long line);

    [LoggerMessage(2001, LogLevel.Warning, "More than {Keys} keys: from here on a key that comes again is written again (--unique-keys)")]
    public static partial void UniqueKeysExceeded(ILogger logger, long keys);

    // Firestore: 2200 to 2299.
    [LoggerMessage(2200, LogLevel.Warning, "Firestore holds some values in another form than the documents had them: {Conversions}")]
    public static partial void FirestoreConversions(ILogger logger, string conversions);

    [LoggerMessage(2201, LogLevel.Warning,
        "Firestore has forgotten the time as of which {Collection} was being read; the rest is read as it is now, so the copy is not of one moment ({Words})")]
    public static partial void FirestoreSnapshotForgotten(ILogger logger, string collection, string words);
}
