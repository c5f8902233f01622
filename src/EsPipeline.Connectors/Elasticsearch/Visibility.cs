using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Makes sure that everything up to the checkpoints that were noted can be found by searches, on every copy that may answer one: by
/// refreshing, or, where the user may not do that, by waiting until the indices must have refreshed themselves.
/// </summary>
internal sealed class Visibility(ElasticsearchClient client, string expression, TimeProvider time, ILogger log)
{
    // A refresh that began just before the checkpoints were noted does not count, and the one after it takes a while.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    // What indices have that say nothing; and, where the user may not see what they say, longer than nearly all have.
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan UnknownInterval = TimeSpan.FromSeconds(60);

    private bool _mayNotRefresh;

    /// <summary>Refreshes or waits.</summary>
    public async Task EnsureAsync(CancellationToken ct)
    {
        if (!_mayNotRefresh)
        {
            try
            {
                var answer = await client.SendAsync(HttpMethod.Post, $"{IndexExpression.Encode(expression)}/_refresh", default, ct).ConfigureAwait(false);
                var failed = answer.GetProperty("_shards").GetProperty("failed").GetInt32();
                if (failed == 0) return;
                throw ElasticsearchErrors.PartialAnswer.Error($"{failed} copies of shards of '{expression}' could not be refreshed, so they may not show what was written.");
            }
            catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
            {
                _mayNotRefresh = true;
            }
        }

        var interval = await IntervalAsync(ct).ConfigureAwait(false);
        Log.WaitsForRefresh(log, expression, (interval + Margin).TotalSeconds);
        await Task.Delay(interval + Margin, time, ct).ConfigureAwait(false);
    }

    // The longest refresh interval of the indices.
    private async Task<TimeSpan> IntervalAsync(CancellationToken ct)
    {
        try
        {
            var path = $"{IndexExpression.Encode(expression)}/_settings/index.refresh_interval?flat_settings=true";
            var answer = await client.SendAsync(HttpMethod.Get, path, default, ct).ConfigureAwait(false);
            var longest = DefaultInterval;
            foreach (var index in answer.EnumerateObject())
            {
                if (!index.Value.GetProperty("settings").TryGetProperty("index.refresh_interval", out var setting)) continue;
                var text = setting.GetString()!;
                if (text.StartsWith('-')) throw ElasticsearchErrors.NeverRefreshes.Error($"The index '{index.Name}' has refresh_interval {text}, and the user may not refresh it.");
                if (!DurationText.TryParse(text, out var interval)) interval = UnknownInterval;
                if (interval > longest) longest = interval;
            }

            return longest;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            return UnknownInterval;
        }
    }
}
