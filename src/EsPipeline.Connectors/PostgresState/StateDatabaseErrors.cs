using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.PostgresState;

/// <summary>What can go wrong with state that a PostgreSQL database keeps.</summary>
public static class StateDatabaseErrors
{
    /// <summary>It can't be reached now.</summary>
    public static readonly ErrorCode Unreachable = new(
        "state.unreachable", FailureKind.Transient, "The database that keeps the state could not be reached, or did not answer.",
        "Check the address of --state, and that the server runs.")
    {
        Steps = ["See whether state can be read and written: `espipe --mode health-check {job-options}`"],
    };

    /// <summary>It refuses.</summary>
    public static readonly ErrorCode Refused = new(
        "state.refused", FailureKind.Environment, "The database that keeps the state refused a connection or a statement.",
        "Do what the server's own words say; the user has to be able to create tables in the database, or to use espipe_job and espipe_run where they are.")
    {
        Steps = ["See whether state can be read and written: `espipe --mode health-check {job-options}`"],
    };
}
