using System.Globalization;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>The JSON that is built here is the server's own, byte for byte.</summary>
public sealed class JsonValueTests(SharedPostgres shared)
{
    [Fact]
    public async Task Every_type_reads_as_row_to_json_writes_it()
    {
        var server = await shared.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS types; DROP TYPE IF EXISTS mood, pair; DROP DOMAIN IF EXISTS amount, years");
        await server.ExecuteAsync("""
            CREATE TYPE mood AS ENUM ('sad', 'ok "quoted"'); CREATE TYPE pair AS (a int, b text);
            CREATE DOMAIN amount AS numeric(20, 4); CREATE DOMAIN years AS int CHECK (VALUE > 0);
            CREATE TABLE types (id int PRIMARY KEY, "Odd ""name"" \ ü" text, b boolean, i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision,
              n numeric, t text, v varchar(20), c char(6), nm name, u uuid, by bytea, d date, ts timestamp, tz timestamptz, tm time, tmz timetz,
              iv interval, j json, jb jsonb, m mood, ar int[], ta text[], tsa timestamptz[], p pair, amt amount, y years, net inet, r int4range,
              mo money, bi bit(4), x xml, o oid, pt point, ch "char")
            """);
        await server.ExecuteAsync("""
            INSERT INTO types VALUES
            (1, 'x', true, -32768, 2147483647, 9223372036854775807, 1.5, 0.1, 12345678901234567890.123456789000, E'a"b\\c\b\f\n\r\t\x01\x1f\x7f/ü€𝔘', 'v', 'pad',
             'nm', '00112233-4455-6677-8899-aabbccddeeff', '\x00ff10', '2024-02-29', '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59.1+02', '12:34:56.7',
             '12:34:56.7+02', '1 year 2 mons 3 days 04:05:06.7', '{"a" : [1, 2.50, "x"] }', '{"z":1,"a":1e3}', 'ok "quoted"', '{1,2,NULL}', '{"a","b\"c"}',
             '{2024-01-01 00:00:00+00}', '(1,"x y")', 1.5, 3, '10.0.0.0/8', '[1,5)', 12.5, '1010', '<a>b</a>', 42, '(1,2)', 'q'),
            (2, '', false, 0, 0, 0, 'NaN', 'NaN', 'NaN', '', '', '', '', '00000000-0000-0000-0000-000000000000', '', 'infinity', 'infinity', 'infinity',
             '00:00', '00:00+00', '0', '[]', '[]', 'sad', '{}', '{}', '{}', '(,)', 0, 1, '::1', 'empty', 0, '0000', '', 0, '(0,0)', '');
            INSERT INTO types (id, "Odd ""name"" \ ü", b, i2, i4, i8, f4, f8, n, t, v, c, nm, u, by, d, ts, tz) VALUES
            (3, null, null, null, null, null, 'Infinity', '-Infinity', 'Infinity', null, null, null, null, null, null, '-infinity', '-infinity', '-infinity'),
            (4, null, null, null, null, null, '-0', '-0', '-0.00', null, null, null, null, null, null, '0044-03-15 BC', '0044-03-15 12:00 BC', '4713-01-01 00:00+00 BC'),
            (5, null, null, null, null, null, 1e15, 1e15, 0.000000012300, null, null, null, null, null, null, '12024-12-31', '294276-12-31 23:59:59.999999', '0001-01-01 00:00+00'),
            (6, null, null, null, null, null, 123456, 123456789012345, 10000, null, null, null, null, null, null, '1900-02-28', '1900-03-01', '1999-12-31 23:59:59.999999+00'),
            (7, null, null, null, null, null, 1234567, 1234567890123456, 99990000.0001, null, null, null, null, null, null, '2000-02-29', '1600-02-29', '1970-01-01 00:00+00'),
            (8, null, null, null, null, null, 0.0001, 0.00001, -0.00010000, null, null, null, null, null, null, '0001-12-31 BC', '0001-12-31 23:00 BC', '9999-12-31 23:59+00'),
            (9, null, null, null, null, null, -1.25, 0.30000000000000004, 0, null, null, null, null, null, null, '4713-01-01 BC', '4714-11-24 00:00 BC', '10000-01-01 00:00+00'),
            (10, null, null, null, null, null, 0.1, 99999999999.9999, 1, null, null, null, null, null, null, '5874897-12-31', '0400-03-01', '0001-02-28 00:00+00')
            """);
        var random = new Random(20240229);
        for (var i = 100; i < 400; i++)
        {
            var bits = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            var small = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            var number = new string([.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => (char)('0' + random.Next(10)))]);
            var numeric = (random.Next(2) == 0 ? "-" : "") + number + (random.Next(2) == 0 ? "." + number : "");

            // Every other one as people write them: few places, some of them one step away from that, and text with what must be escaped anywhere.
            if (i % 2 == 0)
            {
                bits = random.NextInt64(-1_000_000_000_000_000, 1_000_000_000_000_000) / Math.Pow(10, random.Next(0, 7)) / Math.Pow(10, random.Next(0, 10));
                if (i % 8 == 0) bits = Math.BitIncrement(bits);
                small = random.Next(-1_000_000, 1_000_000) / (float)Math.Pow(10, random.Next(0, 6));
            }

            var text = new string([.. Enumerable.Range(0, random.Next(0, 50)).Select(_ => random.Next(12) == 0 ? "\"\\\u001f\n ü€"[random.Next(7)] : 'x')]);
            await server.ExecuteAsync(
                $"INSERT INTO types (id, f4, f8, t, n, d, ts) VALUES ({i}, $1, $2, $3, '{numeric}', date '0001-01-01' + {random.Next(0, 3_000_000)}, timestamp '0001-01-01' + {random.NextInt64(0, 250_000_000_000_000_000)} * interval '1 microsecond')",
                small,
                bits,
                text);
        }

        var wanted = await server.RowsAsync("SET timezone = 'UTC'; SELECT q.id::text, row_to_json(q)::text FROM public.types q");
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Table = "types" };
        await using var source = new PostgresSource(options, new RunOptions(), TimeProvider.System, NullLogger.Instance, new SourceTuning());
        var reading = await SourceReader.ReadAsync(
            source, new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<Core.Records.PartitionId, Core.Records.Position>()), TestContext.Current.CancellationToken);
        var got = reading.Apply();
        Assert.Equal(wanted.Count, got.Count);
        foreach (var row in wanted) Assert.Equal(row[1], got[row[0]]);
        Assert.True(got.Count > 300, got.Count.ToString(CultureInfo.InvariantCulture));
    }
}
