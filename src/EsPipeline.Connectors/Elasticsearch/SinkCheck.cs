using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Asks whether an index can be written to, within 5 s whatever hangs, and what a person should know about it before.</summary>
internal sealed class SinkCheck(ElasticsearchClient client, string name, TimeProvider time)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(4.5);

    private bool _routingIsUnknown;

    /// <summary>An index that holds documents with a routing of their own, once it was asked; null where none is known.</summary>
    public string? Routed { get; private set; }

    /// <summary>Asks. Makes nothing: an index that is not there yet is no problem.</summary>
    public async Task<ConnectorHealth> AskAsync(CancellationToken ct)
    {
        var started = time.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Longest);
        ServerInfo? server = null;
        try
        {
            server = await ServerInfo.AskAsync(client, limit.Token).ConfigureAwait(false);
            var index = await TargetIndex.FindAsync(client, name, limit.Token).ConfigureAwait(false);
            if (index is not null)
            {
                RefuseBlocked(index);
                Routed = await RoutedAsync(server, index, limit.Token, ct).ConfigureAwait(false);
            }

            return new ConnectorHealth(server.Name, time.GetElapsedTime(started), IdentityOf(server, index))
            {
                Warnings = [.. client.ConnectionWarnings(), .. WarningsAbout(index)],
            };
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell(server?.Name ?? "Elasticsearch", time.GetElapsedTime(started), e);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            var error = ElasticsearchErrors.TimedOut.Error($"{client.Name} did not answer within {Longest.TotalSeconds:0.#} s.");
            return ConnectorHealth.Unwell(server?.Name ?? "Elasticsearch", time.GetElapsedTime(started), error);
        }
    }

    // An alias is meant to move from index to index; an index that was deleted is another one when it is made again, and empty.
    private Dictionary<string, string> IdentityOf(ServerInfo server, TargetIndex? index)
    {
        var identity = new Dictionary<string, string> { ["cluster"] = server.ClusterUuid, ["index"] = name };
        if (index is null) identity["index-uuid"] = $"none, since there is no index {name}";
        else if (!index.IsAlias) identity["index-uuid"] = index.Uuid ?? "unknown, since the user may not see it";
        return identity;
    }

    // Of the index that is written to: another one behind the alias may be closed.
    private async Task<string?> RoutedAsync(ServerInfo server, TargetIndex index, CancellationToken limit, CancellationToken ct)
    {
        _routingIsUnknown = false;
        try
        {
            try
            {
                return await CustomRouting.FindAsync(client, server, index.Concrete, limit).ConfigureAwait(false);
            }
            catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden && index.IsAlias)
            {
                // Rights on an alias do not reach its index by its own name.
                return await CustomRouting.FindAsync(client, server, name, limit).ConfigureAwait(false);
            }
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden || e.Error == ElasticsearchErrors.ReadBlocked)
        {
            // Whoever may only write can't ask.
            return null;
        }
        catch (Exception e) when (e is PipelineException { Kind: FailureKind.Transient } || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            _routingIsUnknown = true;
            return null;
        }
    }

    private static void RefuseBlocked(TargetIndex index)
    {
        foreach (var block in (string[])["read_only_allow_delete", "read_only", "write"])
        {
            if (TargetIndex.Setting(index.Settings, "blocks", block) != "true") continue;
            throw ElasticsearchErrors.Blocked.Error(
                $"The index '{index.Concrete}' takes no writes (index.blocks.{block}).",
                block == "read_only_allow_delete"
                    ? "Make room on the server's disks: this block goes by itself once there is some."
                    : $"Lift the block: PUT {index.Concrete}/_settings {{\"index.blocks.{block}\":null}}.");
        }
    }

    private IEnumerable<string> WarningsAbout(TargetIndex? index)
    {
        if (index is null) yield break;
        if (index.Behind.Count > 1)
        {
            yield return $"the alias '{name}' means {index.Behind.Count} indices: documents are written to {index.Concrete}, and those of the same key in the others stay until they are deleted";
        }

        if (Routed is { } routed)
        {
            yield return $"documents of {routed} have a routing of their own, which records do not: one of the same key is written beside them, and a delete does not find them; index them again without a routing, or name another index";
        }

        if (_routingIsUnknown) yield return $"whether documents of {index.Concrete} have a routing of their own could not be found out in time";
        if (TargetIndex.Setting(index.Settings, "translog", "durability") == "async")
        {
            yield return $"{index.Concrete} is set to lose its last seconds when the server crashes (index.translog.durability is async): what is saved here as written may then be missing there";
        }

        if (TargetIndex.Setting(index.Settings, "default_pipeline") is { } pipeline and not "_none")
        {
            yield return $"documents go through the ingest pipeline {pipeline}, which {index.Concrete} has by default";
        }

        if (index.IsSeen && KeptSource.IsDisabled(index.Mappings)) yield return $"{index.Concrete} does not keep documents (_source is disabled): they can be searched, not read back";
    }
}
