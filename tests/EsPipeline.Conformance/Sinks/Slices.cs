using EsPipeline.Core.Records;

namespace EsPipeline.Conformance;

/// <summary>Makes what a write is given.</summary>
public static class Slices
{
    /// <summary>A batch of documents to insert or replace.</summary>
    public static RecordBatch Of(params IEnumerable<Document> documents)
    {
        using var builder = new RecordBatchBuilder(64 * 1024);
        foreach (var (i, document) in documents.Index()) builder.Add(document.KeyBytes, document.JsonBytes, RecordOperation.Upsert, 0, i);
        return builder.Build(new Position("test1:end"), 0, "test record");
    }

    /// <summary>A batch of deletes.</summary>
    public static RecordBatch Deletes(params IEnumerable<string> keys)
    {
        using var builder = new RecordBatchBuilder(64 * 1024);
        foreach (var (i, key) in keys.Index()) builder.Add(new Document(key, "").KeyBytes, [], RecordOperation.Delete, 0, i);
        return builder.Build(new Position("test1:end"), 0, "test record");
    }

    /// <summary>All records of a batch.</summary>
    public static RecordSlice Slice(this RecordBatch batch) => new(batch.Records);
}
