using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.MySql;

/// <summary>The check of either end: connects, looks at the table, and tells what it found.</summary>
internal static class HealthReport
{
    // An answer is promised within 5 s.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(4.5);

    /// <summary>Checks an end.</summary>
    /// <param name="options">Which server and table.</param>
    /// <param name="connections">Where to get a connection.</param>
    /// <param name="time">The clock.</param>
    /// <param name="look">Looks at the table without changing it; answers with warnings, or throws.</param>
    /// <param name="ct">Ends the check.</param>
    public static async Task<ConnectorHealth> AskAsync(
        MySqlOptions options, MySqlConnectionPool connections, TimeProvider time, Func<MySqlSession, IEnumerable<string>> look, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        using var late = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            return await connections.RunAsync(
                session =>
                {
                    var warnings = ConnectionWarnings(options).Concat(look(session)).ToArray();
                    return new ConnectorHealth(session.Server.Name, time.GetElapsedTime(started), IdentityOf(options, session)) { Warnings = warnings };
                },
                either.Token).ConfigureAwait(false);
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell("MySQL", time.GetElapsedTime(started), e);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            var noAnswer = MySqlErrors.Unreachable.Error($"The server at {MySqlConnecting.Address(options)} did not answer within {Longest.TotalSeconds:0.#} s.");
            return ConnectorHealth.Unwell("MySQL", time.GetElapsedTime(started), noAnswer);
        }
    }

    /// <summary>What is to be known of a server and a table before it is written; the table may be missing.</summary>
    public static IEnumerable<string> WriteWarnings(MySqlServer server, TableLayout? layout)
    {
        if (!server.IsDurable)
        {
            yield return $"{server.Name} has innodb_flush_log_at_trx_commit={server.Variables["innodb_flush_log_at_trx_commit"]}: what it has confirmed in the last second "
                + "may be lost when its machine fails; after that, copy again or run 'espipe verify'.";
        }

        if (layout is null) yield break;
        var (table, key) = (layout.Table, layout.Key[0]);
        var name = $"{table.Database}.{table.Name}";
        if (layout.Shape == MySqlShape.Columns && table.Columns.Where(c => c.IsGenerated).Select(c => $"'{c.Name}'").ToArray() is { Length: > 0 } generated)
        {
            yield return $"The server computes {string.Join(", ", generated)} of {name}: what documents have in fields of these names is not written.";
        }

        if (table.HasTriggers) yield return $"The table {name} has triggers: what they change is not what the documents say, and writing is slower.";
        if (key.Kind != ColumnKind.Integer && !key.TellsBytesApart)
        {
            yield return $"The collation {key.Collation} of the key column {name}.{key.Name} takes some different keys for the same (case, accents, trailing blanks): "
                + "a record whose key meets another's is set aside, and every write is followed by a question; use a binary collation without padding.";
        }

        foreach (var index in TableFit.OtherUniqueIndexes(layout))
        {
            yield return $"The table {name} has a unique index '{index.Name}' besides its key: a record that has another row's value there is set aside.";
        }

        if (table.Engine.Length > 0 && table.Engine is not ("InnoDB" or "RocksDB" or "ndbcluster"))
        {
            yield return $"The storage engine {table.Engine} of {name} has no transactions: what was written may be lost when the server crashes.";
        }
    }

    private static Dictionary<string, string> IdentityOf(MySqlOptions options, MySqlSession session) => new()
    {
        ["server"] = session.Server.Identity,
        ["database"] = options.Database,
        ["table"] = options.Table,
    };

    private static IEnumerable<string> ConnectionWarnings(MySqlOptions options)
    {
        if (options.IsLocal) yield break;
        if (options.EffectiveTls == MySqlTls.Off) yield return $"Nothing between here and {options.Host} is encrypted (--db-tls off): passwords' hashes and documents can be read on the way.";
        if (options.EffectiveTls == MySqlTls.Required) yield return $"Who answers at {options.Host} is not verified (--db-tls required): use --db-tls verify.";
    }
}
