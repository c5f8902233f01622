using System.Text;

namespace EsPipeline.Connectors.Firestore;

/// <summary>Builds the queries over one collection, in the order of the documents' names.</summary>
internal sealed class CollectionQuery(FirestoreCollection collection)
{
    private const string ByName = "\"orderBy\":[{\"field\":{\"fieldPath\":\"__name__\"},\"direction\":\"ASCENDING\"}]";

    /// <summary>The method that runs one.</summary>
    public string RunMethod { get; } = FirestoreCollection.UrlPath(collection.Parent) + ":runQuery";

    /// <summary>The method that divides a collection group.</summary>
    public string PartitionMethod { get; } = FirestoreCollection.UrlPath(collection.Documents) + ":partitionQuery";

    /// <summary>One document's name, to see whether the collection can be read and what time it is there.</summary>
    public string Probe => "{\"structuredQuery\":{\"select\":{\"fields\":[{\"fieldPath\":\"__name__\"}]}," + From(group: false) + "," + ByName + ",\"limit\":1}}";

    /// <summary>The body that asks for the documents from a position on.</summary>
    /// <param name="position">Where to begin and to end, and as of when.</param>
    /// <param name="limit">The most documents.</param>
    public string Page(FirestorePosition position, int limit)
    {
        var query = new StringBuilder("{\"structuredQuery\":{").Append(From(group: false)).Append(',').Append(ByName).Append($",\"limit\":{limit}");
        if (position.Start is { } start) query.Append($",\"startAt\":{Cursor(start, before: !position.IsAfter)}");
        if (position.End is { } end) query.Append($",\"endAt\":{Cursor(end, before: true)}");
        return query.Append('}').Append(AsOf(position.ReadTime)).Append('}').ToString();
    }

    /// <summary>The body that asks for places to divide at. Firestore divides only all collections of a name together.</summary>
    /// <param name="partitions">How many parts are wanted.</param>
    /// <param name="readTime">As of when.</param>
    public string Partition(int partitions, FirestoreTime readTime) =>
        "{\"structuredQuery\":{" + From(group: true) + "," + ByName + $"}},\"partitionCount\":{partitions - 1}{AsOf(readTime)}}}";

    private string From(bool group) => $"\"from\":[{{\"collectionId\":{FirestoreCollection.Json(collection.Id)}{(group ? ",\"allDescendants\":true" : "")}}}]";

    private string Cursor(string id, bool before) =>
        $"{{\"values\":[{{\"referenceValue\":{FirestoreCollection.Json(collection.NamePrefix + id)}}}],\"before\":{(before ? "true" : "false")}}}";

    private static string AsOf(FirestoreTime? time)
    {
        if (time is not { } known) return "";
        Span<byte> text = stackalloc byte[FirestoreTime.MaxLength];
        return $",\"readTime\":\"{Encoding.ASCII.GetString(text[..known.Write(text)])}\"";
    }
}
