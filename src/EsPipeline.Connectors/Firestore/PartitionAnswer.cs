using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Firestore;

/// <summary>The answer to a <c>partitionQuery</c>: places that divide all collections of a name together into parts of about the same size.</summary>
internal static class PartitionAnswer
{
    /// <summary>The ids of those places that lie in one of the collections, in the order of the ids, each once.</summary>
    /// <exception cref="PipelineException"><see cref="FirestoreErrors.BadAnswer"/>.</exception>
    public static IReadOnlyList<string> Read(byte[] body, FirestoreCollection collection)
    {
        try
        {
            using var answer = JsonDocument.Parse(body);
            if (!answer.RootElement.TryGetProperty("partitions", out var partitions)) return [];
            var ids = partitions.EnumerateArray()
                .Select(p => p.GetProperty("values")[0].GetProperty("referenceValue").GetString()!)
                .Where(name => name.StartsWith(collection.NamePrefix, StringComparison.Ordinal))
                .Select(name => name[collection.NamePrefix.Length..])

                // An id of a deeper collection's document is not one of this; one by number sorts before all others, whatever its digits.
                .Where(id => id.Length > 0 && !id.Contains('/', StringComparison.Ordinal) && !FirestoreNames.IsReserved(Encoding.UTF8.GetBytes(id)))
                .Distinct()
                .ToArray();
            Array.Sort(ids, (a, b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b)));
            return ids;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException)
        {
            throw FirestoreErrors.BadAnswer.Error($"Firestore's answer to a partitionQuery can't be read: {e.Message}", inner: e);
        }
    }
}
