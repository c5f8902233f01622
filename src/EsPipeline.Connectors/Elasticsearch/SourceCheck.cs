using System.Text.Json;
using System.Text.RegularExpressions;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Asks whether a cluster can be read, within 5 s whatever hangs, and what a person should know about it before.</summary>
internal sealed partial class SourceCheck(ElasticsearchClient client, ElasticsearchSourceOptions options, string expression, TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(4.5);

    private readonly List<string> _warnings = [];

    /// <summary>Asks.</summary>
    /// <param name="query">The query to be used, as it was given; null for none.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The cluster's health; and what it is, where that could be learnt.</returns>
    public async Task<(ConnectorHealth Health, ServerInfo? Server)> AskAsync(string? query, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Longest);
        ServerInfo? server = null;
        try
        {
            server = await ServerInfo.AskAsync(client, limit.Token).ConfigureAwait(false);
            _warnings.AddRange(client.ConnectionWarnings());
            var catalog = await IndexCatalog.ResolveAsync(client, expression, limit.Token).ConfigureAwait(false);
            WarnOfIndices(catalog);
            if (!catalog.IsEmpty)
            {
                _warnings.AddRange(await KeptSource.RemarksAsync(client, server, expression, limit.Token).ConfigureAwait(false));
                if (await SegmentReplicas.RemarkAsync(client, server, expression, limit.Token).ConfigureAwait(false) is { } behind) _warnings.Add(behind);
                if (QueryText.Check(query) is { } checkedQuery) await ValidateAsync(checkedQuery, limit.Token).ConfigureAwait(false);
                await WarnOfHiddenAsync(server, catalog, limit.Token, ct).ConfigureAwait(false);
                await WarnOfRoutingAsync(server, limit.Token, ct).ConfigureAwait(false);
            }

            var identity = new Dictionary<string, string> { ["cluster"] = server.ClusterUuid, ["index"] = expression };
            return (new ConnectorHealth(server.Name, time.GetElapsedTime(started), identity) { Warnings = _warnings }, server);
        }
        catch (PipelineException e)
        {
            return (ConnectorHealth.Unwell(server?.Name ?? "Elasticsearch", time.GetElapsedTime(started), e) with { Warnings = _warnings }, server);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            var error = ElasticsearchErrors.TimedOut.Error($"{client.Name} did not answer within {Longest.TotalSeconds:0.#} s.");
            return (ConnectorHealth.Unwell(server?.Name ?? "Elasticsearch", time.GetElapsedTime(started), error), server);
        }
    }

    private void WarnOfIndices(IndexCatalog catalog)
    {
        if (catalog.IsEmpty) _warnings.Add($"nothing matches '{expression}' yet");
        if (catalog.Closed.Count > 0) _warnings.Add($"closed and not read: {string.Join(", ", catalog.Closed)}");
        if (options.Key == KeyForm.Id && catalog.Names.Skip(1).Any())
        {
            _warnings.Add(
                $"'{expression}' means {catalog.Names.Count()} indices: of documents with the same _id in two of them only the one read last stays; --es-key index-id keeps them apart");
        }
    }

    private async Task WarnOfHiddenAsync(ServerInfo server, IndexCatalog catalog, CancellationToken limit, CancellationToken ct)
    {
        try
        {
            if (await new HiddenDocuments(client, options, server, expression, catalog).RemarkAsync(limit).ConfigureAwait(false) is { } hidden) _warnings.Add(hidden);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            _warnings.Add($"whether the user's privileges hide documents or fields of '{expression}' could not be found out in time");
        }
    }

    // A search, which a slow cluster may not answer in the time of a check: reading asks once more.
    private async Task WarnOfRoutingAsync(ServerInfo server, CancellationToken limit, CancellationToken ct)
    {
        if (options.Key == KeyForm.IndexRoutingId) return;
        try
        {
            if (await CustomRouting.FindAsync(client, server, expression, limit).ConfigureAwait(false) is not { } index) return;
            _warnings.Add(
                $"documents of {index} have a routing of their own, which is not copied: of several with the same _id under different routings only the one read last stays; --es-key index-routing-id keeps them apart, and the routing in the key");
        }
        catch (PipelineException e) when (e.Kind == FailureKind.Transient)
        {
            // A part of the data is not available just now, which stops whoever reads it and is told then.
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            _warnings.Add($"whether documents of '{expression}' have a routing of their own could not be found out in time");
        }
    }

    // The server's own opinion, before anything is written.
    private async Task ValidateAsync(byte[] query, CancellationToken ct)
    {
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WritePropertyName("query");
            w.WriteRawValue(query, skipInputValidation: true);
            w.WriteEndObject();
        });
        JsonElement answer;
        try
        {
            answer = await client.SendAsync(HttpMethod.Post, $"{IndexExpression.Encode(expression)}/_validate/query?explain=true", body, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            // Validating takes another privilege than searching does (view_index_metadata); a search that returns nothing tells as much.
            await TryQueryAsync(query, ct).ConfigureAwait(false);
            return;
        }

        if (answer.GetProperty("valid").GetBoolean()) return;
        var why = answer.TryGetProperty("explanations", out var explanations) && explanations.GetArrayLength() > 0
            && explanations.EnumerateArray().FirstOrDefault(e => e.TryGetProperty("error", out _)) is { ValueKind: JsonValueKind.Object } explanation
            ? explanation.GetProperty("error").GetString()
            : answer.TryGetProperty("error", out var error) ? error.GetString() : null;
        throw ElasticsearchErrors.BadQuery.Error($"The server does not accept the query: {Shorten(why ?? "it does not say why")}");
    }

    private async Task TryQueryAsync(byte[] query, CancellationToken ct)
    {
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteNumber("size", 0);
            w.WriteNumber("terminate_after", 1);
            w.WritePropertyName("query");
            w.WriteRawValue(query, skipInputValidation: true);
            w.WriteEndObject();
        });
        try
        {
            await client.SendAsync(HttpMethod.Post, $"{IndexExpression.Encode(expression)}/_search", body, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Refused)
        {
            throw ElasticsearchErrors.BadQuery.Error($"The server does not accept the query: {e.Message}", inner: e);
        }
    }

    // Without the name of the class that says it, and what the classes say that passed it on.
    private static string Shorten(string why)
    {
        var first = why.Split("; ", 2)[0];
        var said = Thrown().Match(first) is { Success: true } match ? match.Groups["colon"].Value + match.Groups["bracket"].Value : first;
        return said.Length <= 400 ? said : said[..400] + "…";
    }

    [GeneratedRegex(@"Exception(: (?<colon>.*)|\[(?<bracket>.*)\])$", RegexOptions.ExplicitCapture | RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Thrown();
}
