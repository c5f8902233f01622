using System.Globalization;
using System.Text;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Whether a server copies another, or is one of a cluster, whose open transactions it can't tell of, and how far it is behind: <c>Seconds_Behind_Source</c> of the
/// channel that is behind most.
/// </summary>
/// <param name="IsReplica">True where it has a channel from another server, is one of a cluster, or takes no writes of its own.</param>
/// <param name="IsStopped">True where a channel is stopped or broken, so that nobody knows how far it is behind.</param>
/// <param name="Lag">How far it is behind, rounded up to a second; zero where it does not tell.</param>
internal readonly record struct ReplicaState(bool IsReplica, bool IsStopped, TimeSpan Lag)
{
    /// <summary>Asks the server. An account without the right to see its channels learns only whether it takes writes.</summary>
    public static ReplicaState Of(MySqlSession session)
    {
        var lags = new List<string?>();
        try
        {
            using var result = session.Open(Encoding.ASCII.GetBytes(Question(session.Server)));
            var column = Array.FindIndex(result.Fields, f => f.Name is "Seconds_Behind_Master" or "Seconds_Behind_Source");
            while (result.Read()) lags.Add(column < 0 || result.IsNull(column) ? null : Encoding.ASCII.GetString(result[column]));
        }
        catch (PipelineException e) when (e.Error == MySqlErrors.NotAllowed)
        {
            return Alone(session.Server);
        }

        if (lags.Count == 0) return Alone(session.Server);
        if (lags.Contains(null)) return new ReplicaState(true, true, TimeSpan.Zero);
        return new ReplicaState(true, false, TimeSpan.FromSeconds(1 + lags.Max(l => long.Parse(l!, CultureInfo.InvariantCulture))));
    }

    /// <summary>A server without a channel from another.</summary>
    public static ReplicaState Alone(MySqlServer server) => new(server.IsReadOnly || server.IsOfCluster, false, TimeSpan.Zero);

    /// <summary>What a person who follows changes should know; null for nothing.</summary>
    /// <param name="server">The server.</param>
    /// <param name="overlap">How far each read reaches back.</param>
    public string? Warning(MySqlServer server, TimeSpan overlap) =>
        IsStopped ? $"{server.Name} copies another server, and this has stopped: until it goes on, no time is taken as complete, and the changes since the last one that was are read "
            + "again each time. See SHOW REPLICA STATUS; if it is no replica any more, RESET REPLICA ALL."
        : IsReplica ? string.Create(CultureInfo.InvariantCulture, $"{server.Name} {(server.IsOfCluster ? "is one of a cluster" : "copies another server or takes no writes")}: it can't tell which transactions are open {(server.IsOfCluster ? "on the others" : "there")}, and a row that is ")
            + string.Create(CultureInfo.InvariantCulture, $"committed more than {overlap.TotalSeconds:0} s after its time is missed. Make --overlap longer than the longest transaction there{(server.IsOfCluster ? "" : ", or follow that server")}.")
        : null;

    private static string Question(MySqlServer server) =>
        server.IsMariaDb ? "SHOW ALL SLAVES STATUS" : server.Version >= new Version(8, 0, 22) ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}
