using System.Net.Sockets;
using System.Security.Authentication;
using EsPipeline.Core.Errors;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Turns what Npgsql throws into what a person is told. SQLSTATEs as in the appendix "PostgreSQL Error Codes" of its manual.</summary>
internal static class PostgresFailure
{
    /// <summary>True for what <see cref="Of"/> understands.</summary>
    public static bool IsOne(Exception e) => e is NpgsqlException or SocketException or IOException or TimeoutException or InvalidOperationException;

    /// <summary>The error.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="doing">What was being done to what, as the beginning of a sentence.</param>
    public static PipelineException Of(Exception e, string doing)
    {
        if (e is PostgresException refusal) return CodeOf(refusal).Error($"{doing}: {refusal.MessageText} ({refusal.SqlState}).", inner: e);
        var cause = e.GetBaseException();
        var code = e switch
        {
            _ when cause is AuthenticationException => PostgresErrors.Tls,
            _ when e is NpgsqlException && e.Message.StartsWith("SSL connection requested", StringComparison.Ordinal) => PostgresErrors.Tls,
            _ when e is NpgsqlException && e.Message.Contains("No password", StringComparison.Ordinal) => PostgresErrors.Unauthorized,
            _ when cause is TimeoutException => PostgresErrors.Timeout,
            _ => PostgresErrors.Unreachable,
        };
        return code.Error($"{doing}: {cause.Message}", inner: e);
    }

    // A query that row security would change is refused (rls.c) with the code of a missing right, in words of the server's language.
    private static ErrorCode CodeOf(PostgresException refusal) =>
        refusal is { SqlState: "42501", Routine: "check_enable_rls" } ? PostgresErrors.RowSecurity : CodeOf(refusal.SqlState);

    private static ErrorCode CodeOf(string state) => state switch
    {
        "28P01" or "28000" => PostgresErrors.Unauthorized,
        "3D000" => PostgresErrors.NoDatabase,
        "42P01" or "3F000" or "42602" => PostgresErrors.NoTable,
        "42703" => PostgresErrors.NoColumn,
        "42501" => PostgresErrors.Forbidden,
        "53100" => PostgresErrors.DiskFull,
        "57014" or "25P03" or "25P04" => PostgresErrors.Timeout,

        // Connection exceptions, insufficient resources, operator intervention, deadlocks and serialization, locks, I/O errors.
        ['0', '8', ..] or ['5', '3', ..] or ['5', '7', ..] or ['4', '0', ..] or "55P03" or "55006" or "58030" => PostgresErrors.Unavailable,

        // Two records that the table takes for one (cardinality violation): apart from each other they can be written.
        "21000" => PostgresErrors.Rejected,

        // Data exceptions, integrity constraints, and content beyond a limit, such as a key too long for an index.
        ['2', '2', ..] or ['2', '3', ..] or ['5', '4', ..] => PostgresErrors.Rejected,
        _ => PostgresErrors.Refused,
    };
}
