using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.MySql;

/// <summary>What a check of either end tells.</summary>
internal static class HealthReport
{
    /// <summary>A server that answered, and the table as it was found.</summary>
    /// <param name="options">The options.</param>
    /// <param name="session">The connection.</param>
    /// <param name="latency">How long it took.</param>
    /// <param name="target">The table that is to be written; null for one that is read or missing.</param>
    public static ConnectorHealth Of(MySqlOptions options, MySqlSession session, TimeSpan latency, TableLayout? target) =>
        new(session.Server.Name, latency, new Dictionary<string, string>
        {
            ["server"] = session.Server.Identity,
            ["database"] = options.Database,
            ["table"] = options.Table,
        })
        {
            Warnings = [.. ConnectionWarnings(options), .. target is null ? [] : TableWarnings(target)],
        };

    /// <summary>A server that did not answer a check.</summary>
    public static PipelineException NoAnswer(MySqlOptions options, TimeSpan waited) =>
        MySqlErrors.Unreachable.Error($"The server at {MySqlConnecting.Address(options)} did not answer within {waited.TotalSeconds:0.#} s.");

    private static IEnumerable<string> ConnectionWarnings(MySqlOptions options)
    {
        if (options.IsLocal) yield break;
        if (options.EffectiveTls == MySqlTls.Off) yield return $"Nothing between here and {options.Host} is encrypted (--db-tls off): passwords' hashes and documents can be read on the way.";
        if (options.EffectiveTls == MySqlTls.Required) yield return $"Who answers at {options.Host} is not verified (--db-tls required): use --db-tls verify.";
    }

    private static IEnumerable<string> TableWarnings(TableLayout layout)
    {
        var (table, key) = (layout.Table, layout.Key[0]);
        var name = $"{table.Database}.{table.Name}";
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
}
