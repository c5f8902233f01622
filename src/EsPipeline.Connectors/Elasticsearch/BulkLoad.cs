using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Takes an index's replicas and its refreshing away while everything is copied, and gives them back. What they were is noted in the
/// index's own mapping (<c>_meta</c>) before they are changed, so that a later run gives them back where this one is killed.
/// </summary>
internal sealed class BulkLoad(ElasticsearchClient client, ILogger log)
{
    /// <summary>The member of <c>_meta</c> that holds the settings.</summary>
    public const string Note = "espipe_bulk_load";

    /// <summary>True where an index has been left relaxed.</summary>
    public static bool IsNoted(TargetIndex index) => Meta(index).TryGetProperty(Note, out _);

    /// <summary>Takes them away; does nothing where that has been done.</summary>
    public async Task RelaxAsync(TargetIndex index, CancellationToken ct)
    {
        if (IsNoted(index)) return;
        Log.BulkLoadBegins(log, index.Concrete);
        await WriteMetaAsync(index, keep: true, ct).ConfigureAwait(false);

        await PutSettingsAsync(index, w =>
        {
            foreach (var name in Relaxed(index)) w.WriteString(name, name == "refresh_interval" ? "-1" : "0");
        }, ct).ConfigureAwait(false);
    }

    /// <summary>Gives them back, and makes what was written visible; does nothing where nothing was taken away.</summary>
    public async Task RestoreAsync(TargetIndex index, CancellationToken ct)
    {
        if (!Meta(index).TryGetProperty(Note, out var before)) return;
        await PutSettingsAsync(index, w =>
        {
            foreach (var setting in before.EnumerateObject()) setting.WriteTo(w);
        }, ct).ConfigureAwait(false);
        await WriteMetaAsync(index, keep: false, ct).ConfigureAwait(false);
        await client.SendAsync(HttpMethod.Post, $"{IndexExpression.Encode(index.Concrete)}/_refresh", default, ct).ConfigureAwait(false);
        Log.BulkLoadEnds(log, index.Concrete);
    }

    // Replicas that follow the number of nodes would come back by themselves; they are left alone.
    private static IEnumerable<string> Relaxed(TargetIndex index) =>
        TargetIndex.Setting(index.Settings, "auto_expand_replicas") is null or "false" ? ["number_of_replicas", "refresh_interval"] : ["refresh_interval"];

    private static JsonElement Meta(TargetIndex index) =>
        index.Mappings.ValueKind == JsonValueKind.Object && index.Mappings.TryGetProperty("_meta", out var meta) && meta.ValueKind == JsonValueKind.Object
            ? meta
            : JsonSerializer.SerializeToElement(new Dictionary<string, string>());

    private Task<JsonElement> PutSettingsAsync(TargetIndex index, Action<Utf8JsonWriter> write, CancellationToken ct) =>
        client.SendAsync(HttpMethod.Put, $"{IndexExpression.Encode(index.Concrete)}/_settings", SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteStartObject("index");
            write(w);
            w.WriteEndObject();
            w.WriteEndObject();
        }), ct);

    // Writing _meta replaces all of it: what others keep there is written along.
    private Task<JsonElement> WriteMetaAsync(TargetIndex index, bool keep, CancellationToken ct) =>
        client.SendAsync(HttpMethod.Put, $"{IndexExpression.Encode(index.Concrete)}/_mapping", SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteStartObject("_meta");
            foreach (var other in Meta(index).EnumerateObject().Where(m => m.Name != Note)) other.WriteTo(w);
            if (keep)
            {
                w.WriteStartObject(Note);
                foreach (var name in Relaxed(index))
                {
                    if (TargetIndex.Setting(index.Settings, name) is { } value) w.WriteString(name, value);
                    else w.WriteNull(name);
                }

                w.WriteEndObject();
            }

            w.WriteEndObject();
            w.WriteEndObject();
        }), ct);
}
