using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A row has one key, whichever way it is found: by the snapshot, by its time, by its age, or by the log, which writes values in its own way.</summary>
public sealed class KeyTypesTests(SharedPostgres shared)
{
    // Types that a key may have, with a value of which different texts could be made.
    private static readonly (string Type, string Value)[] First =
    [
        ("bool", "true"), ("bool", "f"), ("{0}_flag", "t"), ("bool[]", "{t,f}"),
        ("inet", "10.0.0.5"), ("inet", "10.0.0.5/8"), ("inet", "::1"), ("inet", "fe80::1/64"), ("cidr", "10.0.0.0/8"), ("cidr", "10.0.0.5/32"), ("{0}_address", "10.0.0.6"), ("inet[]", "{10.0.0.7}"),
        ("char(5)", "ab"), ("{0}_code", "cd"), ("char(5)[]", "{ef}"), ("varchar(5)", "g "), ("name", "h i"), ("\"char\"", "j"), ("text", "k,%l"), ("{0}_mood", "sad"),
        ("money", "1234.5"), ("bit(4)", "1010"), ("varbit", "101"), ("bytea", "\\x00ff"), ("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
    ];

    private static readonly (string Type, string Value)[] Second =
    [
        ("int2", "-1"), ("int8", "9007199254740993"), ("oid", "4000000000"), ("numeric", "1.50"), ("float4", "0.1"), ("float8", "0.1"), ("float8", "1e300"), ("float8", "NaN"),
        ("date", "2024-02-03"), ("date", "0044-03-15 BC"), ("date", "infinity"), ("timestamp", "2024-02-03 04:05:06.789"), ("timestamptz", "2024-02-03 04:05:06+05:30"),
        ("time", "04:05:06.7"), ("timetz", "04:05:06+02"), ("interval", "1 year 2 mons -3 days 04:05:06.7"), ("macaddr", "08:00:2b:01:02:03"), ("macaddr8", "08:00:2b:01:02:03:04:05"),
        ("int4range", "[1,5)"), ("tstzrange", "[2024-02-03 04:05:06+05:30,)"), ("jsonb", "{\"b\": 1, \"a\": [true]}"), ("tsvector", "a:1 b:2"), ("pg_lsn", "16/B374D848"), ("xid8", "5000000000"),
        ("{0}_pair", "(t,10.0.0.8)"),
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<int, FollowWay, string> Keys => new()
    {
        { 0, FollowWay.Changes, "" }, { 1, FollowWay.Changes, "" },
        { 0, FollowWay.UpdatedColumn, "updated" }, { 1, FollowWay.UpdatedColumn, "updated" },
        { 0, FollowWay.UpdatedColumn, "" }, { 1, FollowWay.UpdatedColumn, "" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task A_key_of_any_type_is_the_same_however_its_row_is_found(int half, FollowWay way, string updated)
    {
        var server = await shared.GetAsync();
        var table = "keys_" + Guid.NewGuid().ToString("N")[..16];
        var columns = (half == 0 ? First : Second).Select((c, i) => (Name: $"k{i}", Type: c.Type.Replace("{0}", table, StringComparison.Ordinal), c.Value)).ToArray();
        await server.ExecuteAsync(
            $"CREATE DOMAIN {table}_flag AS bool; CREATE DOMAIN {table}_address AS inet; CREATE DOMAIN {table}_code AS char(5); "
            + $"CREATE TYPE {table}_mood AS ENUM ('sad', 'glad'); CREATE TYPE {table}_pair AS (one bool, other inet)");
        var names = string.Join(", ", columns.Select(c => c.Name));
        await server.ExecuteAsync(
            $"CREATE TABLE {table} ({string.Join(", ", columns.Select(c => $"{c.Name} {c.Type}"))}, number int, word text, updated timestamptz DEFAULT clock_timestamp(), PRIMARY KEY ({names}, number))");
        await server.ExecuteAsync(
            $"INSERT INTO {table} SELECT {string.Join(", ", columns.Select(c => $"'{c.Value}'::{c.Type}"))}, n, 'first' FROM generate_series(1, 3) n");
        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = server.User, Table = table, Follow = way, UpdatedColumn = updated, Slot = table, Publication = table, Shape = TableShape.Columns,
        };
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            var keys = following.Held.Keys.Order(StringComparer.Ordinal).ToArray();
            Assert.Equal(3, keys.Length);
            await server.ExecuteAsync($"UPDATE {table} SET word = 'second', updated = clock_timestamp() WHERE number = 1");
            await Eventually.IsAsync(
                async () =>
                {
                    await following.PassAsync(ReadKind.Changes, Ct);
                    return following.Held.Values.Any(d => d.Contains("second", StringComparison.Ordinal));
                },
                "the changed row has been read");
            Assert.Equal(keys, following.Held.Keys.Order(StringComparer.Ordinal));
            Assert.Equal(0, following.StrayDeletes);
            if (way == FollowWay.Changes)
            {
                await server.ExecuteAsync($"DELETE FROM {table} WHERE number = 2");
                await following.PassAsync(ReadKind.Changes, Ct);
                Assert.Equal(keys.Where(k => !k.EndsWith(",2", StringComparison.Ordinal)), following.Held.Keys.Order(StringComparer.Ordinal));
                Assert.Equal(0, following.StrayDeletes);
            }
        }

        await server.DropSlotAsync(table);
        await server.ExecuteAsync($"DROP TABLE {table}; DROP DOMAIN {table}_flag, {table}_address, {table}_code; DROP TYPE {table}_mood, {table}_pair");
    }
}
