using EsPipeline.Conformance;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Short forms of what tests of the sink do again and again.</summary>
internal static class MySqlWriting
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Makes a sink ready.</summary>
    public static async Task<T> ReadyAsync<T>(this T sink, SourceSchema? schema = null)
        where T : IDataSink
    {
        await Health.IsWellAsync(sink);
        await sink.PrepareAsync(schema ?? SourceSchema.Unknown, Ct);
        return sink;
    }

    /// <summary>Writes documents in one slice.</summary>
    public static async Task<WriteResult> WriteAsync(this IDataSink sink, params Document[] documents)
    {
        using var batch = Slices.Of(documents);
        return await sink.WriteAsync(batch.Slice(), Ct);
    }
}
