using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Records as a test writes them down.</summary>
internal static class Slices
{
    /// <summary>Writes documents, and overwrites the batch's memory afterwards, so that what was kept of it shows.</summary>
    public static async Task<WriteResult> WriteAsync(this IDataSink sink, params (string Key, string? Json)[] records)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < records.Length; i++)
        {
            var (key, json) = records[i];
            builder.Add(
                Encoding.UTF8.GetBytes(key),
                json is null ? default : Encoding.UTF8.GetBytes(json),
                json is null ? RecordOperation.Delete : RecordOperation.Upsert,
                0,
                i);
        }

        using var batch = builder.Build(new Position("end"), 0, "record");
        var result = await sink.WriteAsync(new RecordSlice(batch.Records), TestContext.Current.CancellationToken);
        Assert.Equal(records.Length, result.Written + result.Unchanged + result.Failures.Count);
        Assert.Equal(result.Failures.OrderBy(f => f.Index), result.Failures);
        return result;
    }

    /// <summary>Writes one document that has to be taken.</summary>
    public static async Task WriteOneAsync(this IDataSink sink, string key, string json)
    {
        var result = await sink.WriteAsync((key, json));
        Assert.True(result.Failures.Count == 0, result.Failures.Count == 0 ? "" : result.Failures[0].Reason);
    }
}
