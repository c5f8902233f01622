namespace EsPipeline.Benchmarks;

/// <summary>
/// Changes of a Postgres table, committed ten at a time while nobody looked, into another table of the same server: from the start of the process
/// until the sink holds all. Against pg_recvlogical receiving the same changes and throwing them away.
/// </summary>
internal sealed class PostgresChanges(BenchContext context) : Leg(context)
{
    private const string Variable = "ESPIPE_TEST_POSTGRES_URL";
    private const string Table = "espipe_bench_changed";
    private const string Copy = "espipe_bench_copied";
    private const string Slot = "espipe_bench_changes";
    private const string ReferenceSlot = "espipe_bench_reference";
    private const int OfCommit = 10;

    private readonly string _address = BenchContext.Address(Variable) ?? "";
    private int _round;

    public override string Name => "pg-changes";

    public override string Reference => "pg_recvlogical, written nowhere";

    public override double Aim => 0.2;

    public override long Records => 100_000;

    public override string? Missing => BenchContext.Address(Variable) is null ? $"{Variable} is not set" : null;

    public override CommandText? ReferenceCommand => CommandText.Shell(
        $"pg_recvlogical -d \"$ADDRESS\" --slot={ReferenceSlot} --start --no-loop -f /dev/null --endpos=$(cat end) -o proto_version=1 -o publication_names={Slot}") with { Environment = Address };

    // Not among the arguments, which every user of the machine can see.
    private Dictionary<string, string> Address => new() { ["ADDRESS"] = _address, ["PG_URL"] = _address, ["SINK_PG_URL"] = _address };

    public override async Task PrepareAsync()
    {
        Context.ForgetState();
        await DropAsync();
        await RunAsync(PostgresRows.Create(Table, Records));
        await ProcessRun.OfAsync(Espipe(few: false), Context.Folder);
        await QueryAsync($"SELECT pg_create_logical_replication_slot('{ReferenceSlot}', 'pgoutput')");
    }

    public override async Task ResetAsync()
    {
        _round++;
        await QueryAsync($"""
            SET synchronous_commit = off;
            DO $$ BEGIN FOR i IN 0..{(Records / OfCommit) - 1} LOOP
              UPDATE {Table} SET note = 'change {_round} of commit ' || i WHERE id BETWEEN i * {OfCommit} + 1 AND (i + 1) * {OfCommit}; COMMIT;
            END LOOP; END $$;
            """);
        await RunAsync("psql \"$ADDRESS\" -X -q -A -t -c 'SELECT pg_current_wal_flush_lsn()' > end");
    }

    public override CommandText Espipe(bool few) => new(
        Context.Espipe,
        "--source", "postgres", "--sink", "postgres", "--pg-table", Table, "--pg-follow", "changes", "--pg-slot", Slot, "--pg-publication", Slot, "--sink-pg-table", Copy,
        "--mode", "single", "--since", "2000-01-01T00:00:00Z", "--timestamp-field", "created", "--state", Context.PathOf("state"), "--log-file", "none", "--quiet")
    {
        Environment = Address,
    };

    public override Task VerifyAsync() => QueryAsync($"""
        SET timezone = 'UTC';
        DO $$ BEGIN
          IF EXISTS (SELECT FROM {Table} t FULL JOIN {Copy} c ON c.id = t.id::text WHERE c.content::jsonb IS DISTINCT FROM to_jsonb(t)) THEN RAISE 'the copy differs'; END IF;
        END $$;
        """);

    public override Task CleanUpAsync() => DropAsync();

    private Task<ProcessRun> DropAsync() => QueryAsync($"""
        SET client_min_messages = warning;
        SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name IN ('{Slot}', '{ReferenceSlot}') AND active;
        SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN ('{Slot}', '{ReferenceSlot}');
        DROP PUBLICATION IF EXISTS {Slot};
        DROP TABLE IF EXISTS {Table}, {Copy};
        """);

    private Task<ProcessRun> QueryAsync(string sql) => RunAsync($"psql \"$ADDRESS\" -X -q -o /dev/null -v ON_ERROR_STOP=1 <<'END'\n{sql}\nEND");

    private Task<ProcessRun> RunAsync(string line) => ProcessRun.OfAsync(CommandText.Shell(line) with { Environment = Address }, Context.Folder);
}
