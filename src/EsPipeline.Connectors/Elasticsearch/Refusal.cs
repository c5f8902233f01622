using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>An answer that says no, as both servers write it: a status, and in the body an error's type and reason.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Type">The error's type, such as <c>index_not_found_exception</c>; empty where the body has none.</param>
/// <param name="Reason">The server's words; the most particular ones there are.</param>
internal sealed partial record Refusal(HttpStatusCode Status, string Type, string Reason)
{
    private const int MostBytes = 1 << 20;
    private const int MostShown = 400;

    // The privileges that people grant, where any of several would do.
    private static readonly string[] Usual = ["read", "write", "monitor", "maintenance", "view_index_metadata", "create_index"];

    /// <summary>Reads an answer that says no and says what it means.</summary>
    public static async Task<PipelineException> ReadAsync(
        ClusterAddress address, HttpMethod method, string path, HttpResponseMessage response, CancellationToken ct)
    {
        if ((int)response.StatusCode is >= 300 and < 400)
        {
            // Only where to, not the whole address: a redirect may carry anything.
            var target = response.Headers.Location is { IsAbsoluteUri: true } to ? to.GetLeftPart(UriPartial.Authority) : "another path";
            return ElasticsearchErrors.Redirected.Error($"{address} redirects {method} {path} to {target} ({(int)response.StatusCode}).");
        }

        using var buffer = new AnswerBuffer(4096, MostBytes);
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
            await buffer.ReceiveAsync(stream, ClientPatience.Default.Silence, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or TimeoutException or InvalidDataException)
        {
            // The status alone has to do.
            return Of(response.StatusCode, default).Explain(address, method, path, response.Headers.RetryAfter?.Delta, e);
        }

        return Of(response.StatusCode, buffer.Written.Span).Explain(address, method, path, response.Headers.RetryAfter?.Delta, null);
    }

    /// <summary>Takes a body apart.</summary>
    public static Refusal Of(HttpStatusCode status, ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var document = body.IsEmpty ? null : JsonDocument.ParseValue(ref reader);
            return document is not null && document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("error", out var error)
                ? new Refusal(status, TypeOf(error), ReasonOf(error))
                : new Refusal(status, "", "");
        }
        catch (JsonException)
        {
            return new Refusal(status, "", "");
        }
    }

    /// <summary>Takes the error of one item of a <c>_bulk</c> answer apart. Its reason says both what failed, with the field's name, and why.</summary>
    public static Refusal OfItem(HttpStatusCode status, JsonElement error)
    {
        var why = ReasonOf(error);
        var what = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("reason", out var reason) ? reason.ToString() : why;
        return new Refusal(status, TypeOf(error), Shorten(what == why || why.Length == 0 ? what : $"{what}: {why}"));
    }

    /// <summary>What it means.</summary>
    public PipelineException Explain(ClusterAddress address, HttpMethod method, string path, TimeSpan? retryAfter, Exception? inner)
    {
        var said = Reason.Length > 0 ? $": {Shorten(Reason)}" : "";
        var asked = $"{address} answered {method} {path} with {(int)Status}{said}{(said.EndsWith('.') ? "" : ".")}";
        return Type switch
        {
            "search_context_missing_exception" or "no_such_point_in_time" => ElasticsearchErrors.ViewLost.Error(asked, inner: inner),
            "index_not_found_exception" => ElasticsearchErrors.IndexNotFound.Error($"{address}: {Shorten(Reason)}.", inner: inner),
            "index_closed_exception" => ElasticsearchErrors.IndexClosed.Error($"{address}: an index is closed ({path}).", inner: inner),
            "cluster_block_exception" when (int)Status != 503 && ReadBlock().IsMatch(Reason) =>
                ElasticsearchErrors.ReadBlocked.Error($"{address}: {Shorten(Reason).TrimEnd(';', '.')}.", inner: inner),
            "cluster_block_exception" when (int)Status != 503 => ElasticsearchErrors.Blocked.Error($"{address}: {Shorten(Reason).TrimEnd(';', '.')}.", inner: inner),
            "es_rejected_execution_exception" when NeverFits() =>
                ElasticsearchErrors.RequestTooLarge.Error(asked, "Give the node more memory, or a greater indexing_pressure.memory.limit; or leave fields out with --exclude-fields.", inner),
            "circuit_breaking_exception" or "es_rejected_execution_exception" => ElasticsearchErrors.Throttled.Error(asked, inner: inner, retryAfter: retryAfter),
            "api_not_available_exception" => ElasticsearchErrors.Forbidden.Error(asked, "This kind of cluster does not offer it to anybody.", inner),
            _ => ByStatus(address, path, asked, retryAfter, inner),
        };
    }

    // More than the node lets be written at once, however little else it has to do: it is never taken as it is.
    private bool NeverFits() => Pressure().Match(Reason) is { Success: true } match
        && long.TryParse(match.Groups["size"].Value, out var size) && long.TryParse(match.Groups["most"].Value, out var most) && size > most;

    private PipelineException ByStatus(ClusterAddress address, string path, string asked, TimeSpan? retryAfter, Exception? inner) => (int)Status switch
    {
        401 => ElasticsearchErrors.Unauthorized.Error($"{address} does not accept the credentials (401){(Reason.Contains("missing authentication", StringComparison.Ordinal) ? "; none were given" : "")}.", inner: inner),
        403 => Forbidden(address, asked, inner),
        400 when path.EndsWith("/_bulk", StringComparison.Ordinal) => Type.Length > 0
            ? ElasticsearchErrors.DocumentRefused.Error(asked, inner: inner)

            // Something on the way says it, and not about the documents.
            : ElasticsearchErrors.BadAnswer.Error(asked, inner: inner),
        413 => ElasticsearchErrors.RequestTooLarge.Error(asked, inner: inner),
        429 => ElasticsearchErrors.Throttled.Error(asked, inner: inner, retryAfter: retryAfter),
        408 or >= 500 => ElasticsearchErrors.Unavailable.Error(asked, inner: inner, retryAfter: retryAfter),
        404 or 405 when Type.Length == 0 && Reason.Length == 0 => ElasticsearchErrors.NotElasticsearch.Error(asked, inner: inner),
        _ => ElasticsearchErrors.Refused.Error(asked, inner: inner),
    };

    private PipelineException Forbidden(ClusterAddress address, string asked, Exception? inner)
    {
        if (Privileges().Match(Reason) is not { Success: true } match)
        {
            return OpenSearchPrivilege().Match(Reason) is { Success: true } permission
                ? ElasticsearchErrors.Forbidden.Error($"{address}: the user may not do {permission.Groups["action"].Value}.", $"Grant the permission {permission.Groups["action"].Value}, or use another user.", inner)
                : ElasticsearchErrors.Forbidden.Error(asked, inner: inner);
        }

        // The server lists everything that would do, up to "all".
        string[] enough = match.Groups["privileges"].Value.Split(',');
        var least = Usual.FirstOrDefault(enough.Contains) ?? enough[0];
        return ElasticsearchErrors.Forbidden.Error(
            $"{address}: the user may not do {match.Groups["action"].Value}; the {match.Groups["kind"].Value} privilege {least} is missing.",
            $"Grant the {match.Groups["kind"].Value} privilege {least}, or use another user.",
            inner);
    }

    private static string Shorten(string text) => text.Length <= MostShown ? text : string.Concat(text.AsSpan(0, MostShown), "…");

    private static string TypeOf(JsonElement error)
    {
        var cause = RootCause(error);
        return cause.ValueKind == JsonValueKind.Object && cause.TryGetProperty("type", out var type) ? type.GetString() ?? "" : "";
    }

    private static string ReasonOf(JsonElement error)
    {
        if (error.ValueKind == JsonValueKind.String) return error.GetString() ?? "";
        var cause = RootCause(error);
        if (cause.ValueKind != JsonValueKind.Object) return "";
        for (var depth = 0; depth < 20 && cause.TryGetProperty("caused_by", out var deeper) && deeper.ValueKind == JsonValueKind.Object; depth++)
        {
            if (!deeper.TryGetProperty("reason", out var why) || why.ValueKind != JsonValueKind.String) break;
            cause = deeper;
        }

        return cause.TryGetProperty("reason", out var reason) ? reason.ToString() : "";
    }

    private static JsonElement RootCause(JsonElement error) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty("root_cause", out var causes)
        && causes.ValueKind == JsonValueKind.Array && causes.GetArrayLength() > 0 && causes[0].ValueKind == JsonValueKind.Object
            ? causes[0]
            : error;

    [GeneratedRegex(
        @"action \[(?<action>[^\]]+)\] is unauthorized .* granted by the (?<kind>index|cluster) privileges \[(?<privileges>[^\]]+)\]",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Privileges();

    [GeneratedRegex(@"/index (read|metadata) \(api\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReadBlock();

    [GeneratedRegex(@"(coordinating|primary)_operation_bytes=(?<size>\d+), max_\w+=(?<most>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pressure();

    [GeneratedRegex(@"no permissions for \[(?<action>[^\]]+)\]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OpenSearchPrivilege();
}
