using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Finds out whether the user's privileges hide documents or fields (document and field level security): every answer is then a part of the data that looks
/// like all of it, to a copy and to whoever compares it.
/// </summary>
/// <param name="client">The cluster.</param>
/// <param name="options">What requests are signed in with.</param>
/// <param name="server">What it is.</param>
/// <param name="expression">The indices.</param>
/// <param name="catalog">What the expression means.</param>
internal sealed class HiddenDocuments(ElasticsearchClient client, ElasticsearchOptions options, ServerInfo server, string expression, IndexCatalog catalog)
{
    private static readonly string[] Reading = ["read", "all", "indices:data/read", "indices:data/read/*", "indices:data/read/search*", "indices:*", "*"];
    // What a cluster says that keeps no privileges: one without the plugin or with it switched off, and one of 7.17 with a basic licence as it comes (with 500).
    private static readonly string[] WithoutSecurity = ["no handler found", "Security must be explicitly enabled"];

    private static readonly TimeSpan LongestMatch = TimeSpan.FromMilliseconds(100);

    /// <summary>Asks for the user's privileges, and compares counts where they are not told.</summary>
    /// <returns>A sentence where it could not be found out, or is not certain; null where nothing is hidden.</returns>
    /// <exception cref="PipelineException"><see cref="ElasticsearchErrors.Hidden"/>: something is.</exception>
    public async Task<string?> RemarkAsync(CancellationToken ct)
    {
        if (!client.Addresses.Any(a => Credentials.HeaderFor(a, options) is not null)) return null;
        var privileges = server.IsOpenSearch ? null : await PrivilegesAsync(ct).ConfigureAwait(false);
        foreach (var name in catalog.Asked) RefuseHiding(name, privileges?.Entries ?? []);
        if (privileges is { IsAll: true }) return null;
        try
        {
            if (!await CanCompareAsync(ct).ConfigureAwait(false) || await CountAsync(ct).ConfigureAwait(false) is not { } first) return Unknown();
            if (first.Searched >= first.There) return null;

            // What no search shows yet is not hidden: what was there before a refresh is shown by every search behind it.
            await client.SendAsync(HttpMethod.Post, $"{IndexExpression.Encode(expression)}/_refresh", default, ct).ConfigureAwait(false);
            var (before, after) = (await CountAsync(ct).ConfigureAwait(false), await CountAsync(ct).ConfigureAwait(false));
            if (before is not { } then || after is not { } now || then.There != first.There || now.There != first.There) return null;
            if (Math.Max(then.Searched, now.Searched) >= first.There) return null;
            throw Hidden($"Searches show {now.Searched} of the {now.There} documents of '{expression}' to this user.");
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            return Unknown();
        }

        string? Unknown() => server.IsOpenSearch || privileges is not null
            ? null
            : $"whether the user's privileges hide documents or fields of '{expression}' could not be found out";
    }

    /// <summary>The entries of privileges that are told; all there are, or those of an API key, behind which its owner's stand. Null where none are told.</summary>
    private async Task<(bool IsAll, JsonElement[] Entries)?> PrivilegesAsync(CancellationToken ct)
    {
        try
        {
            var answer = await client.SendAsync(HttpMethod.Get, "_security/user/_privileges", default, ct).ConfigureAwait(false);
            return answer.TryGetProperty("indices", out var entries) ? (true, [.. entries.EnumerateArray()]) : null;
        }
        catch (PipelineException e) when (WithoutSecurity.Any(w => e.Message.Contains(w, StringComparison.Ordinal)))
        {
            // Nobody's privileges hide anything.
            return (true, []);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden || e.Error == ElasticsearchErrors.Refused || e.Error == ElasticsearchErrors.NotElasticsearch)
        {
            return options.ApiKey is null ? null : await OfKeyAsync(ct).ConfigureAwait(false);
        }
    }

    // A key with privileges of its own may ask for these, of itself alone.
    private async Task<(bool IsAll, JsonElement[] Entries)?> OfKeyAsync(CancellationToken ct)
    {
        try
        {
            var id = Encoding.UTF8.GetString(Convert.FromBase64String(Credentials.EncodeKey(options.ApiKey!)!)).Split(':')[0];
            var answer = await client.SendAsync(HttpMethod.Get, $"_security/api_key?id={Uri.EscapeDataString(id)}", default, ct).ConfigureAwait(false);
            if (!answer.TryGetProperty("api_keys", out var keys) || keys.GetArrayLength() != 1 || !keys[0].TryGetProperty("role_descriptors", out var roles)) return null;
            return (false, [.. roles.EnumerateObject().SelectMany(r => r.Value.TryGetProperty("indices", out var entries) ? entries.EnumerateArray().ToArray() : [])]);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden || e.Error == ElasticsearchErrors.Refused || e.Error == ElasticsearchErrors.NotElasticsearch)
        {
            return null;
        }
    }

    // Of several entries that let the user read, one without a restriction lifts those of the others.
    private static void RefuseHiding(string name, IEnumerable<JsonElement> entries)
    {
        JsonElement[] reading = [.. entries.Where(e => Texts(e, "names").Any(n => Covers(n, name)) && Texts(e, "privileges").Any(p => Reading.Contains(p)))];
        if (reading.Length == 0) return;
        if (reading.All(e => IsSet(e, "query"))) throw Hidden($"The user sees those documents of '{name}' only that a role's query selects (document level security).");
        if (reading.All(HidesFields)) throw Hidden($"The user does not see all fields of the documents of '{name}' (field level security).");
    }

    // False where the two counts would differ for other reasons.
    private async Task<bool> CanCompareAsync(CancellationToken ct)
    {
        if (catalog.Aliases.Count > 0) return false;
        var mappings = await client.SendAsync(HttpMethod.Get, $"{IndexExpression.Encode(expression)}/_mapping", default, ct).ConfigureAwait(false);
        foreach (var index in mappings.EnumerateObject())
        {
            // Each object of a nested field is a document of its own to one of the two, and so is a part of a semantic_text (OpenSearch: semantic), which
            // may also be a field within a field.
            var text = index.Value.GetRawText();
            if (text.Contains("\"type\":\"nested\"", StringComparison.Ordinal) || text.Contains("\"type\":\"semantic", StringComparison.Ordinal)) return false;
        }

        return true;
    }

    // How many documents there are and how many a search shows; null where not all of them were counted.
    private async Task<(long There, long Searched)?> CountAsync(CancellationToken ct)
    {
        var path = IndexExpression.Encode(expression);
        var statistics = await client.SendAsync(HttpMethod.Get, $"{path}/_stats/docs?filter_path=_all.primaries.docs.count", default, ct).ConfigureAwait(false);
        var counted = await client.SendAsync(HttpMethod.Get, $"{path}/_count?{server.Reach().TrimStart('&')}", default, ct).ConfigureAwait(false);
        return statistics.TryGetProperty("_all", out var all) && all.GetProperty("primaries").TryGetProperty("docs", out var documents) && counted.GetProperty("_shards").GetProperty("failed").GetInt32() == 0
            ? (documents.GetProperty("count").GetInt64(), counted.GetProperty("count").GetInt64())
            : null;
    }

    private static PipelineException Hidden(string what) => ElasticsearchErrors.Hidden.Error(what);

    // A list of queries, or one; and an object for each list of fields, or one.
    private static bool IsSet(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);

    private static bool HidesFields(JsonElement entry)
    {
        if (!IsSet(entry, "field_security")) return false;
        var fields = entry.GetProperty("field_security");
        JsonElement[] lists = fields.ValueKind == JsonValueKind.Array ? [.. fields.EnumerateArray()] : [fields];
        return lists.All(l => Texts(l, "except").Any() || (IsSet(l, "grant") && !Texts(l, "grant").Contains("*")));
    }

    private static IEnumerable<string> Texts(JsonElement item, string name) =>
        item.TryGetProperty(name, out var texts) && texts.ValueKind == JsonValueKind.Array ? texts.EnumerateArray().Select(t => t.GetString()!) : [];

    // As roles name indices: with * and ?, or a regular expression between slashes.
    private static bool Covers(string pattern, string name)
    {
        var expression = pattern.Length > 1 && pattern.StartsWith('/') && pattern.EndsWith('/')
            ? pattern[1..^1]
            : Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal);
        try
        {
            return Regex.IsMatch(name, $"^(?:{expression})$", RegexOptions.ExplicitCapture | RegexOptions.Singleline, LongestMatch);
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            // What Lucene alone understands is not known to lift a restriction, nor to set one.
            return false;
        }
    }
}
