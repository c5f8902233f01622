using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Makes an index where it is not there, compares it with what is needed where it is, and asks what the server takes.</summary>
internal sealed class IndexPreparation(ElasticsearchClient client, ElasticsearchSinkOptions options, string name, ILogger log)
{
    /// <summary>Bytes in one request where <c>http.max_content_length</c> is not set.</summary>
    public const long UsualContentLength = 100 << 20;

    private const int MostShown = 10;

    // Leaves some of what an answer may take for the write itself.
    private static readonly TimeSpan LongestWait = ClientPatience.Default.Answer - TimeSpan.FromSeconds(15);

    /// <summary>Makes it ready.</summary>
    /// <returns>The index, and the most bytes that the server takes in one request.</returns>
    /// <exception cref="PipelineException">It does not fit, or can't be made.</exception>
    public async Task<(TargetIndex Index, long ContentLength)> PrepareAsync(SourceSchema schema, CancellationToken ct)
    {
        var file = options.MappingFile.Length > 0 ? IndexDefinition.OfFile(options.MappingFile) : null;
        var index = await TargetIndex.FindAsync(client, name, ct).ConfigureAwait(false);
        if (index is not { IsSeen: true })
        {
            await MakeAsync(file ?? IndexDefinition.OfSchema(schema), mayExist: index is not null, ct).ConfigureAwait(false);
            index = await TargetIndex.GetAsync(client, name, ct).ConfigureAwait(false);
        }

        return (index, await CheckAsync(index, file, schema, ct).ConfigureAwait(false));
    }

    /// <summary>Looks at what is there as <see cref="PrepareAsync"/> does, and makes nothing.</summary>
    /// <returns>Whether the index is there, and the most bytes that the server takes in one request.</returns>
    /// <exception cref="PipelineException">It does not fit.</exception>
    public async Task<(bool Exists, long ContentLength)> LookAsync(SourceSchema schema, CancellationToken ct)
    {
        var file = options.MappingFile.Length > 0 ? IndexDefinition.OfFile(options.MappingFile) : null;
        var index = await TargetIndex.FindAsync(client, name, ct).ConfigureAwait(false);
        return (index is not null, await CheckAsync(index, file, schema, ct).ConfigureAwait(false));
    }

    private async Task<long> CheckAsync(TargetIndex? index, IndexDefinition? file, SourceSchema schema, CancellationToken ct)
    {
        if (index is { IsSeen: true })
        {
            Compare(index, file, schema);
            RefuseEndlessWaits(index);
        }
        else if (index is not null)
        {
            Log.IndexNotSeen(log, name);
        }

        if (options.Pipeline.Length > 0) await CheckPipelineAsync(ct).ConfigureAwait(false);
        return await ContentLengthAsync(ct).ConfigureAwait(false);
    }

    private static void Compare(TargetIndex index, IndexDefinition? file, SourceSchema schema)
    {
        var differences = file is null ? MappingFit.Misfits(index.Mappings, schema) : MappingFit.Missing(index.Mappings, file.Mappings);
        if (differences.Count == 0) return;
        var more = differences.Count > MostShown ? $"; and {differences.Count - MostShown} more" : "";
        throw ElasticsearchErrors.IndexDiffers.Error($"The index '{index.Concrete}' does not fit: {string.Join("; ", differences.Take(MostShown))}{more}.");
    }

    // What a run with --es-bulk-load has left relaxed gets its interval back before anything is written.
    private void RefuseEndlessWaits(TargetIndex index)
    {
        if (options.Refresh != RefreshTime.Wait || BulkLoad.IsNoted(index)) return;
        if (TargetIndex.Setting(index.Settings, "refresh_interval") is not { } text) return;
        var isSoon = DurationText.TryParse(text, out var interval) ? interval > TimeSpan.Zero && interval < LongestWait : !text.StartsWith('-');
        if (isSoon) return;
        throw ElasticsearchErrors.RefreshTooRare.Error(
            $"With --es-refresh wait each write waits for the next refresh of '{index.Concrete}', whose refresh_interval is {text}: none would come in time.");
    }

    private async Task MakeAsync(IndexDefinition definition, bool mayExist, CancellationToken ct)
    {
        try
        {
            await client.SendAsync(HttpMethod.Put, IndexExpression.Encode(name), definition.Body, ct).ConfigureAwait(false);
            Log.IndexMade(log, name);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Refused && e.Message.Contains("already exists", StringComparison.Ordinal))
        {
            // The user may not see it, somebody else was faster, or the answer to a first try was lost.
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden && mayExist)
        {
            // Writing tells whether it is there.
        }
    }

    private async Task CheckPipelineAsync(CancellationToken ct)
    {
        try
        {
            await client.SendAsync(HttpMethod.Get, $"_ingest/pipeline/{Uri.EscapeDataString(options.Pipeline)}?filter_path=*.description", default, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.NotElasticsearch)
        {
            // To a pipeline that is not there, the answer is 404 and an empty object.
            throw ElasticsearchErrors.PipelineMissing.Error($"{client.Name} has no ingest pipeline '{options.Pipeline}'.", inner: e);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            // Seeing pipelines takes a privilege that using them does not; each document says it where it is missing.
        }
    }

    private async Task<long> ContentLengthAsync(CancellationToken ct)
    {
        try
        {
            var answer = await client.SendAsync(HttpMethod.Get, "_nodes/http?filter_path=nodes.*.http.max_content_length_in_bytes", default, ct).ConfigureAwait(false);
            return answer.TryGetProperty("nodes", out var nodes)
                ? nodes.EnumerateObject().Min(n => n.Value.GetProperty("http").GetProperty("max_content_length_in_bytes").GetInt64())
                : UsualContentLength;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden || e.Error == ElasticsearchErrors.Refused)
        {
            // Without the privilege monitor, or where somebody else runs the nodes: a larger request is halved when it is refused.
            return UsualContentLength;
        }
    }
}
