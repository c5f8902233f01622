using System.Runtime.CompilerServices;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Telemetry;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// One database and the bounded pool of connections to it. Every connection shows values in the one form that keys and documents rely on:
/// times in UTC and ISO, numbers in their shortest exact form.
/// </summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    private const int OldestServer = 14;

    // Rows come in the order in which they lie: no parallel scans, and none that joins another one in the middle of the table. How long a statement, a
    // transaction or a session may last is --pg-timeout's to say, not what a role is given against its people's mistakes. A statement whose client has
    // gone is ended by the server, where its system can tell it that.
    private const string Settings =
        "SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1; "
        + "SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0; SET idle_in_transaction_session_timeout = 0; "
        + "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0; "
        + "SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL; "
        + "SELECT set_config('client_connection_check_interval', '5s', false) WHERE version() LIKE '%linux%'";

    // With row security the server would leave rows out without a word, and what is asked for again by its key would count as deleted: off, it refuses
    // such a query.
    private const string ReadingSettings = "; SET default_transaction_read_only = on; SET row_security = off";

    // What is written is confirmed as durable.
    private const string WritingSettings = "; SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(4.5);

    private readonly NpgsqlDataSource _pool;
    private readonly TimeProvider _time;
    private volatile bool _isOfSessions;

    /// <param name="options">Valid options.</param>
    /// <param name="timeout">The longest that the server may be silent.</param>
    /// <param name="readOnly">True where nothing is to be written, whatever SQL the user gives.</param>
    /// <param name="time">The clock.</param>
    public PostgresDatabase(PostgresOptions options, TimeSpan timeout, bool readOnly, TimeProvider time)
    {
        _time = time;
        Address = PostgresAddress.Of(options, timeout);
        var builder = new NpgsqlDataSourceBuilder(Address.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            _ => throw new NotSupportedException("Connections are opened asynchronously."),
            async connection =>
            {
                if (!_isOfSessions) await TransactionPooling.CheckAsync(connection, Address, CancellationToken.None).ConfigureAwait(false);
                _isOfSessions = true;
                LimitsTransactions = connection.PostgreSqlVersion.Major >= 17;
                await ExecuteAsync(connection, Settings + (readOnly ? ReadingSettings : WritingSettings), CancellationToken.None).ConfigureAwait(false);
            });
        _pool = builder.Build();
    }

    /// <summary>True where the server may limit how long a transaction lasts (from PostgreSQL 17 on), once a connection was made.</summary>
    public bool LimitsTransactions { get; private set; }

    /// <summary>Where and how connections are made.</summary>
    public NpgsqlConnectionStringBuilder Address { get; }

    /// <summary>A connection, from the pool.</summary>
    /// <exception cref="PipelineException">There is none to be had.</exception>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken ct)
    {
        try
        {
            return await _pool.OpenConnectionAsync(ct).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresFailure.IsOne(e))
        {
            throw PostgresFailure.Of(e, $"Could not connect to PostgreSQL at {Address.Host}:{Address.Port}");
        }
    }

    /// <summary>Calls with a connection, and says in one way what went wrong.</summary>
    /// <remarks>
    /// Cancelled, it returns at once: Npgsql can end some calls (a COPY that is being finished) only by waiting for the server, for as long
    /// as a statement may take. Such a call ends by itself, and its connection with it; nothing that it began is committed.
    /// </remarks>
    /// <param name="doing">What is done to what, as the beginning of a sentence.</param>
    /// <param name="call">What to do.</param>
    /// <param name="ct">Ends it.</param>
    public async Task<T> CallAsync<T>(string doing, Func<NpgsqlConnection, CancellationToken, Task<T>> call, CancellationToken ct)
    {
        var called = CallToTheEndAsync(doing, call, ct);
        try
        {
            return await called.WaitAsync(ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!called.IsCompleted)
        {
            // Nobody waits for its failure any more.
            _ = called.ContinueWith(c => c.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Who the server is, and what <paramref name="check"/> finds wrong; answers within 5 s.</summary>
    public async Task<ConnectorHealth> CheckAsync(Func<NpgsqlConnection, CancellationToken, Task<IReadOnlyList<string>>> check, CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        using var limit = new CancellationTokenSource(CheckTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await CallAsync("The check of PostgreSQL failed", async (connection, stop) =>
            {
                var version = connection.PostgreSqlVersion;
                if (version.Major < OldestServer) throw PostgresErrors.TooOld.Error($"The server is PostgreSQL {version}.");
                var who = await RowAsync(
                    connection, "SELECT (SELECT system_identifier FROM pg_control_system())::text, current_database()", stop).ConfigureAwait(false);
                var warnings = await check(connection, stop).ConfigureAwait(false);
                return new ConnectorHealth(
                    $"PostgreSQL {version}",
                    _time.GetElapsedTime(started),
                    new Dictionary<string, string> { ["system"] = who[0]!, ["database"] = who[1]! })
                { Warnings = warnings };
            }, either.Token).ConfigureAwait(false);
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell("PostgreSQL", _time.GetElapsedTime(started), e);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return ConnectorHealth.Unwell("PostgreSQL", _time.GetElapsedTime(started), PostgresErrors.Timeout.Error(
                $"PostgreSQL at {Address.Host}:{Address.Port} did not answer within {CheckTimeout.TotalSeconds} s."));
        }
    }

    /// <summary>Executes statements without an answer.</summary>
    public static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        var command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false)) return await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
    }

    /// <summary>The rows of an answer, each value as text; the statement casts what is none.</summary>
    public static async Task<List<string?[]>> RowsAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        var command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var rows = new List<string?[]>();
                while (await reader.ReadAsync(ct).ConfigureAwait(false))
                {
                    var row = new string?[reader.FieldCount];
                    for (var i = 0; i < row.Length; i++) row[i] = reader.IsDBNull(i) ? null : reader.GetString(i);
                    rows.Add(row);
                }

                return rows;
            }
        }
    }

    /// <summary>
    /// The rows of an answer as they come, each valid until the next one is asked for; its columns are read once, in their order. The connection
    /// is busy until they are all taken.
    /// </summary>
    public static async IAsyncEnumerable<NpgsqlDataReader> StreamAsync(
        NpgsqlConnection connection, string sql, [EnumeratorCancellation] CancellationToken ct, params object[] parameters)
    {
        var command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(System.Data.CommandBehavior.SequentialAccess, ct).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var isUnderWay = false;
                try
                {
                    while (await reader.ReadAsync(ct).ConfigureAwait(false))
                    {
                        isUnderWay = true;
                        yield return reader;
                        isUnderWay = false;
                    }
                }
                finally
                {
                    // What nobody wants any more would else be received to its end.
                    if (isUnderWay) command.Cancel();
                }
            }
        }
    }

    /// <summary>Appends a column of text, as the bytes that came, without holding it more than once.</summary>
    public static async Task CopyAsync(NpgsqlDataReader row, int column, RecordBatchBuilder output, CancellationToken ct)
    {
        var text = await row.GetStreamAsync(column, ct).ConfigureAwait(false);
        await using (text.ConfigureAwait(false))
        {
            for (var left = (int)text.Length; left > 0;)
            {
                var read = await text.ReadAsync(output.GetMemory(left)[..left], ct).ConfigureAwait(false);
                output.Advance(read);
                left -= read;
            }
        }
    }

    /// <summary>The names of a query's columns and the numbers of their types; it is not executed.</summary>
    public static async Task<IReadOnlyList<(string Name, string Type)>> DescribeAsync(
        NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters)
    {
        var command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(System.Data.CommandBehavior.SchemaOnly, ct).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                return [.. Enumerable.Range(0, reader.FieldCount).Select(
                    i => (reader.GetName(i), reader.GetDataTypeOID(i).ToString(System.Globalization.CultureInfo.InvariantCulture)))];
            }
        }
    }

    /// <summary>The one row of an answer.</summary>
    public static async Task<string?[]> RowAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params object[] parameters) =>
        (await RowsAsync(connection, sql, ct, parameters).ConfigureAwait(false))[0];

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private async Task<T> CallToTheEndAsync<T>(string doing, Func<NpgsqlConnection, CancellationToken, Task<T>> call, CancellationToken ct)
    {
        var connection = await OpenAsync(ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            try
            {
                return await call(connection, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (PostgresFailure.IsOne(e))
            {
                throw PostgresFailure.Of(e, doing);
            }
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object[] parameters)
    {
        // The statements are this connector's own; names and values in them are encoded by SqlText, and --query is the user's own SQL, run
        // with the user's own rights.
#pragma warning disable CA2100
        var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        foreach (var parameter in parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}
