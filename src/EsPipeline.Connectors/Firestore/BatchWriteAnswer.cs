using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Firestore;

/// <summary>The answer to a <c>documents:batchWrite</c>: a status for each write, in the order of the request.</summary>
internal static class BatchWriteAnswer
{
    /// <summary>Reads the statuses of the writes that failed (invariant 3).</summary>
    /// <param name="body">The whole answer.</param>
    /// <param name="writes">How many writes the request had.</param>
    /// <exception cref="PipelineException"><see cref="FirestoreErrors.BadAnswer"/>: it does not answer for every write (invariant 4).</exception>
    public static List<(int Write, FirestoreStatus Status)> ReadFailures(ReadOnlySpan<byte> body, int writes)
    {
        var failures = new List<(int, FirestoreStatus)>();
        var answered = 0;
        try
        {
            var reader = new Utf8JsonReader(body);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isStatus = reader.ValueTextEquals("status"u8);
                reader.Read();
                if (!isStatus)
                {
                    reader.Skip();
                    continue;
                }

                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                {
                    var status = ReadStatus(ref reader);
                    if (status.Code != 0) failures.Add((answered, status));
                    answered++;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw FirestoreErrors.BadAnswer.Error($"Firestore's answer to {writes} writes can't be read: {e.Message}", inner: e);
        }

        if (answered == writes) return failures;
        throw FirestoreErrors.BadAnswer.Error($"Firestore answered for {answered} of {writes} writes.");
    }

    private static FirestoreStatus ReadStatus(ref Utf8JsonReader reader)
    {
        var (code, message) = (0, "");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isCode, isMessage) = (reader.ValueTextEquals("code"u8), reader.ValueTextEquals("message"u8));
            reader.Read();
            if (isCode) code = reader.GetInt32();
            else if (isMessage) message = reader.GetString() ?? "";
            else reader.Skip();
        }

        return new FirestoreStatus(code, message);
    }
}
