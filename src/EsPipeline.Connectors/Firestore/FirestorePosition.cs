using System.Buffers.Text;
using System.Globalization;
using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// A place in a range of a collection's documents, by their ids: <c>fs1:read-time:start:end</c>. The read time is in microseconds since 1970, 0 for
/// none; the start is empty for the first document, <c>=id</c> for an id itself, <c>&gt;id</c> for what follows it, <c>!</c> for the end; ids are in
/// base64url, the end's is empty where there is none.
/// </summary>
/// <param name="ReadTime">The time as of which documents are read; null for as they are when they are read.</param>
/// <param name="Start">The id to begin with, as Firestore has it; null for the first.</param>
/// <param name="IsAfter">True where <paramref name="Start"/> itself has been read.</param>
/// <param name="End">The id before which the range ends; null for the last document's.</param>
/// <param name="IsDone">True at the end.</param>
internal sealed record FirestorePosition(FirestoreTime? ReadTime, string? Start, bool IsAfter, string? End, bool IsDone)
{
    private static readonly long Epoch = DateTime.UnixEpoch.Ticks;

    /// <summary>The beginning of a range.</summary>
    public static FirestorePosition Of(FirestoreTime readTime, string? start, string? end) => new(readTime, start, IsAfter: false, end, IsDone: false);

    /// <summary>The place behind a document.</summary>
    public FirestorePosition After(string id) => this with { Start = id, IsAfter = true };

    /// <summary>The end of the range.</summary>
    public FirestorePosition Done() => this with { Start = null, IsAfter = false, IsDone = true };

    /// <summary>The text.</summary>
    public Position ToPosition()
    {
        var micros = ReadTime is { } time ? (time.Ticks - Epoch) / TimeSpan.TicksPerMicrosecond : 0;
        var start = IsDone ? "!" : Start is null ? "" : (IsAfter ? ">" : "=") + Encoded(Start);
        return new Position(string.Create(CultureInfo.InvariantCulture, $"fs1:{micros}:{start}:{(End is null ? "" : Encoded(End))}"));
    }

    /// <exception cref="PipelineException"><see cref="CheckpointErrors.BadPosition"/>.</exception>
    public static FirestorePosition Parse(Position position)
    {
        if (position.Value.Split(':') is ["fs1", var micros, var start, var end]
            && long.TryParse(micros, NumberStyles.None, CultureInfo.InvariantCulture, out var time) && time < long.MaxValue / 20
            && TryDecode(start.TrimStart('=', '>', '!'), out var startId) && TryDecode(end, out var endId))
        {
            var readTime = time == 0 ? (FirestoreTime?)null : new FirestoreTime(Epoch + (time * TimeSpan.TicksPerMicrosecond), IsCut: false);
            return new FirestorePosition(readTime, startId, start.StartsWith('>'), endId, start == "!");
        }

        throw CheckpointErrors.BadPosition.Error($"'{position}' is not a position in a Firestore collection.");
    }

    private static string Encoded(string id) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(id));

    private static bool TryDecode(string text, out string? id)
    {
        id = null;
        if (text.Length == 0) return true;
        if (!Base64Url.IsValid(text)) return false;
        id = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text));
        return true;
    }
}
