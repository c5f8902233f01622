using EsPipeline.Conformance;
using EsPipeline.Connectors.PostgresState;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Connectors.Tests.Postgres;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Tests;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.PostgresState;

/// <summary>State in a real database, which each test has for itself.</summary>
public sealed class PostgresStateStoreTests(SharedPostgres shared) : StateStoreConformance, IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _name = $"state_{Guid.NewGuid():n}";
    private PostgresServer? _server;

    public async ValueTask InitializeAsync()
    {
        _server = await shared.GetAsync();
        await _server.ExecuteAsync($"CREATE DATABASE {_name}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.ExecuteAsync($"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
        _folder.Dispose();
    }

    [Fact]
    public async Task A_copy_that_died_is_waited_for_and_what_it_still_does_changes_nothing()
    {
        // Its clock stands still, so that it renews nothing.
        await using var first = Open(new Uri($"postgres://{_server!.User}@{_server.EndPoint}/{_name}"), new FakeTime(), NullLogger.Instance);
        await using var second = await OpenAsync();
        await using var dead = await first.OpenAsync("job", Ct);
        await dead.SaveAsync(At(1), Ct);

        // As if the rest of its lease were short, and nothing had been heard of it for the rest of the time.
        await SetAsync("held_until = clock_timestamp() + interval '2 s'");
        await using var living = await second.OpenAsync("job", Ct);
        await living.SaveAsync(At(2), Ct);
        Assert.Equal("state.job_lost", (await Assert.ThrowsAsync<PipelineException>(() => dead.SaveAsync(At(9), Ct))).Code);
        Assert.True(dead.Lost.IsCancellationRequested);
        Assert.Equal("state.job_lost", (await Assert.ThrowsAsync<PipelineException>(() => dead.ResetAsync(Ct))).Code);
        Assert.Equal("state.job_lost", (await Assert.ThrowsAsync<PipelineException>(() => dead.NoteRunAsync(Run(1), Ct))).Code);
        Assert.Equal(2, NumberOf(await living.LoadAsync(Ct)));
        Assert.Empty(await second.ReadRunsAsync("job", 10, Ct));
        Assert.False(living.Lost.IsCancellationRequested);

        // It lets go of nothing that is another's.
        await dead.DisposeAsync();
        await living.SaveAsync(At(3), Ct);
    }

    [Fact]
    public async Task A_lease_of_a_dead_copy_ends_though_the_clock_of_the_server_was_set_back()
    {
        // The first one's clock stands still, so that it renews nothing.
        var address = new Uri($"postgres://{_server!.User}@{_server.EndPoint}/{_name}");
        await using var first = Open(address, new FakeTime(), NullLogger.Instance);
        await using var dead = await first.OpenAsync("job", Ct);
        await SetAsync("held_until = clock_timestamp() + interval '3 hours'");
        var time = new FakeTime();
        await using var second = Open(address, time, NullLogger.Instance);
        var opening = second.OpenAsync("job", Ct);

        // Time passes while it waits, and not while the server is asked: the lease is taken once all of its time has been waited for, and no sooner.
        for (var s = 0; s < JobLease.Duration.TotalSeconds; s++)
        {
            await FakeTime.UntilAsync(() => time.Waiting > 0 || opening.IsCompleted);
            Assert.False(opening.IsCompleted, "The lease was taken too soon.");
            time.Advance(TimeSpan.FromSeconds(1));
        }

        await using var living = await opening.WaitAsync(Eventually.Longest, Ct);
        await living.SaveAsync(At(2), Ct);
        Assert.Equal("state.job_lost", (await Assert.ThrowsAsync<PipelineException>(() => dead.SaveAsync(At(9), Ct))).Code);
        Assert.Equal(2, NumberOf(await living.LoadAsync(Ct)));
    }

    [Fact]
    public async Task A_lease_that_can_not_be_renewed_is_lost_before_the_server_gives_it_away()
    {
        var time = new FakeTime();
        await using var proxy = new TcpProxy(_server!.EndPoint);
        await using var store = Open(new Uri($"postgres://{_server.User}@{proxy.EndPoint}/{_name}"), time, NullLogger.Instance);
        await using (var state = await store.OpenAsync("job", Ct))
        {
            await proxy.DownAsync();
            time.Advance(JobLease.Duration - TimeSpan.FromSeconds(6));
            Assert.False(state.Lost.IsCancellationRequested);
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.True(state.Lost.IsCancellationRequested);
            Assert.Equal("state.job_lost", (await Assert.ThrowsAsync<PipelineException>(() => state.SaveAsync(At(1), Ct))).Code);
        }
    }

    [Fact]
    public async Task A_lease_of_which_nothing_is_left_once_it_is_given_is_taken_again()
    {
        var time = new FakeTime();
        await using var store = Open(new Uri($"postgres://{_server!.User}@{_server.EndPoint}/{_name}"), time, NullLogger.Instance);
        await (await store.OpenAsync("job", Ct)).DisposeAsync();
        await using var pool = Npgsql.NpgsqlDataSource.Create($"{_server.Pool.ConnectionString};Database={_name}");
        await using var connection = await pool.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await using (var hold = new Npgsql.NpgsqlCommand("LOCK TABLE espipe_job IN EXCLUSIVE MODE", connection)) await hold.ExecuteNonQueryAsync(Ct);
        var opening = store.OpenAsync("job", Ct);
        await using var waiting = pool.CreateCommand("SELECT count(*) FROM pg_locks WHERE relation = 'espipe_job'::regclass AND NOT granted");
        while (!Equals(await waiting.ExecuteScalarAsync(Ct), 1L)) Assert.False(opening.IsCompleted);
        time.Advance(JobLease.Duration);
        await transaction.CommitAsync(Ct);

        // The server's clock is another: there it goes on for what is left of half a minute.
        while (!opening.IsCompleted)
        {
            await SetAsync("held_until = '-infinity' WHERE token = 2");
            time.Advance(TimeSpan.FromSeconds(1));
        }

        await using var state = await opening;
        await state.SaveAsync(At(1), Ct);
        Assert.False(state.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_restart_of_the_server_is_waited_for()
    {
        await using var server = await PostgresServer.StartAsync();
        var log = new ListLog<PostgresStateStore>();
        await using var store = Open(new Uri($"postgres://{server.User}@{server.Host}:{server.Port}/postgres"), TimeProvider.System, log);
        await using (var state = await store.OpenAsync("job", Ct))
        {
            await state.SaveAsync(At(1), Ct);
            await server.DownAsync("immediate");
            var saving = state.SaveAsync(At(2), Ct);
            Assert.False(saving.IsCompleted);
            await server.UpAsync();
            await saving;
            Assert.Equal(2, NumberOf(await state.LoadAsync(Ct)));
            Assert.False(state.Lost.IsCancellationRequested);
        }

        Assert.Single(log.Lines, l => l.Contains("can't be reached; trying again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refusal_says_so_without_the_password()
    {
        const string password = "S3cr3t!%40/:?#";
        await using var server = await PostgresServer.StartSecuredAsync();
        await using var store = Open(new Uri($"postgres://postgres:{Uri.EscapeDataString(password)}@127.0.0.1:{server.Port}/postgres"), TimeProvider.System, NullLogger.Instance);
        foreach (var refused in new[] { (await store.CheckAsync(Ct)).Problem!, await Assert.ThrowsAsync<PipelineException>(() => store.OpenAsync("job", Ct)) })
        {
            Assert.Equal(("state.refused", FailureKind.Environment), (refused.Code, refused.Kind));
            Assert.DoesNotContain("S3cr3t", refused.ToString() + store.Description, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_history_is_cut_before_it_fills_a_disk()
    {
        await using var store = await OpenAsync();
        await using var state = await store.OpenAsync("job", Ct);
        await using var pool = Npgsql.NpgsqlDataSource.Create($"{_server!.Pool.ConnectionString};Database={_name}");
        await using (var fill = pool.CreateCommand("INSERT INTO espipe_run (job, id, run) SELECT 'job', 'old-' || i, '{}' FROM generate_series(1, 3000) i")) await fill.ExecuteNonQueryAsync(Ct);
        await state.NoteRunAsync(Run(7) with { Ended = DateTimeOffset.UnixEpoch }, Ct);
        await using var count = pool.CreateCommand("SELECT count(*) FROM espipe_run");
        Assert.Equal((long)PostgresJobState.KeptRuns, await count.ExecuteScalarAsync(Ct));
        Assert.Equal("7", (await store.ReadRunsAsync("job", 1, Ct))[0].Id);
    }

    [Theory]
    [InlineData("postgres://h/d?sslmode=wrong", "sslmode 'wrong'")]
    [InlineData("postgres://h/d?sslrootcert=/no/such/file", "no file '/no/such/file'")]
    [InlineData("postgres://[", "not of the form")]
    [InlineData("redis://h", "no state store 'redis'")]
    public void An_address_that_can_not_be_used_is_told(string address, string expected) =>
        Assert.Contains(expected, Assert.Single(StateStores.Mistakes(address)), StringComparison.Ordinal);

    protected override Task<IStateStore> OpenAsync() =>
        Task.FromResult<IStateStore>(Open(new Uri($"postgres://{_server!.User}@{_server.Host}:{_server.Port}/{_name}"), TimeProvider.System, NullLogger.Instance));

    private PostgresStateStore Open(Uri address, TimeProvider time, ILogger log) => new PostgresStateStore(new Secret(address.OriginalString), _folder.Path, time, log);

    private async Task SetAsync(string values)
    {
        await using var pool = Npgsql.NpgsqlDataSource.Create($"{_server!.Pool.ConnectionString};Database={_name}");
        await using var command = pool.CreateCommand($"UPDATE espipe_job SET {values}");
        await command.ExecuteNonQueryAsync(Ct);
    }
}
