using System.Runtime.CompilerServices;
using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Records;

public sealed class RecordBatchBuilderTests
{
    private static readonly ErrorCode Error = new("test.bad", FailureKind.Permanent, "It is bad.", "Mend it.");

    [Fact]
    public void Records_of_any_size_written_in_any_pieces_come_out_as_they_went_in()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            using var builder = new RecordBatchBuilder(1 << random.Next(4, 12));
            var expected = new List<(string Key, string Json, RecordOperation Operation, long Version, long Place)>();
            for (var i = 0; i < random.Next(1, 60); i++)
            {
                var key = Text(random, random.Next(1, 40));
                var json = Text(random, random.Next(6) == 0 ? random.Next(8000) : random.Next(60));
                if (random.Next(8) == 0)
                {
                    WriteInPieces(builder, random, key);
                    if (random.Next(2) == 0) builder.EndKey();
                    WriteInPieces(builder, random, json);
                    builder.DropRecord();
                    continue;
                }

                WriteInPieces(builder, random, key);
                Assert.Equal(key, Encoding.UTF8.GetString(builder.Current));
                builder.EndKey();
                WriteInPieces(builder, random, json);
                Assert.Equal(key + json, Encoding.UTF8.GetString(builder.Current));
                var operation = random.Next(5) == 0 ? RecordOperation.Delete : RecordOperation.Upsert;
                builder.EndRecord(operation, seed + i, i);
                expected.Add((key, json, operation, seed + i, i));
            }

            Assert.Equal((expected.Count, expected.Sum(e => e.Key.Length + e.Json.Length)), (builder.Count, (int)builder.Bytes));
            using var batch = builder.Build(new Position("end"), 17, "line");
            Assert.Equal(expected, Read(batch));
            Assert.Equal((new Position("end"), 17L, "line 5"), (batch.End, batch.Extent, batch.PlaceOf(5)));
            Assert.True(batch.Bytes >= expected.Sum(e => e.Key.Length + e.Json.Length));
        }
    }

    [Fact]
    public void After_building_it_is_empty_and_can_be_used_again()
    {
        using var builder = new RecordBatchBuilder(64);
        for (var round = 0; round < 5; round++)
        {
            builder.Add("k"u8, "{}"u8, RecordOperation.Upsert, 0, round);
            builder.AddMalformed(9, "m"u8, "raw"u8, Error, "It is broken.");
            builder.Write("left over"u8);
            using var batch = builder.Build(new Position("end"), 0, "line");
            Assert.Equal((1, 1), (batch.Count, batch.Malformed.Count));
            Assert.Equal((0, 0L, 0, 0), (builder.Count, builder.Bytes, builder.MalformedCount, builder.Current.Length));
        }

        using var empty = builder.Build(new Position("end"), 0, "line");
        Assert.Equal((0, 0L), (empty.Count, empty.Bytes));
    }

    [Fact]
    public void Records_do_not_move_once_they_are_ended()
    {
        using var builder = new RecordBatchBuilder(64);
        for (var i = 0; i < 2000; i++) builder.Add(Encoding.ASCII.GetBytes($"key-{i}"), Encoding.ASCII.GetBytes($"{{\"n\":{i}}}"), RecordOperation.Upsert, 0, i);
        using var batch = builder.Build(new Position("end"), 0, "line");
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => ($"key-{i}", $"{{\"n\":{i}}}")), Read(batch).Select(r => (r.Key, r.Json)));
    }

    [Fact]
    public void A_long_record_written_byte_by_byte_takes_linear_memory()
    {
        const int size = 4 << 20;
        using var builder = new RecordBatchBuilder();
        builder.Write("k"u8);
        builder.EndKey();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < size; i++) builder.Write("x"u8);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8L * size);
        builder.EndRecord(RecordOperation.Upsert, 0, 0);
        using var batch = builder.Build(new Position("end"), 0, "line");
        Assert.Equal(size, batch.Records.Span[0].Json.Length);
        Assert.InRange(batch.Bytes, size, (4L * size) + (1024 * Unsafe.SizeOf<Record>()));
    }

    [Fact]
    public void What_was_malformed_is_copied_and_its_bytes_are_cut()
    {
        using var builder = new RecordBatchBuilder();
        var raw = new byte[MalformedRecord.MaxRawBytes + 5];
        raw.AsSpan().Fill((byte)'x');
        builder.AddMalformed(3, "k"u8, raw, Error, "It is broken.");
        raw.AsSpan().Clear();
        using var batch = builder.Build(new Position("end"), 0, "line");
        var malformed = Assert.Single(batch.Malformed);
        Assert.Equal((3L, MalformedRecord.MaxRawBytes, (byte)'x', "It is broken."), (malformed.Place, malformed.Raw.Length, malformed.Raw.Span[^1], malformed.Reason));
    }

    [Fact]
    public void A_disposed_batch_can_not_be_read()
    {
        using var builder = new RecordBatchBuilder();
        builder.Add("k"u8, "{}"u8, RecordOperation.Upsert, 0, 0);
        var batch = builder.Build(new Position("end"), 0, "line");
        batch.Dispose();
        batch.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batch.Records);
    }

    [Fact]
    public void Advancing_beyond_what_was_given_is_refused()
    {
        using var builder = new RecordBatchBuilder(64);
        var space = builder.GetSpan(10).Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Advance(space + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Advance(-1));
    }

    [Fact]
    public void Cut_to_a_number_a_batch_keeps_the_first_by_their_places()
    {
        for (var keep = 0; keep <= 10; keep++)
        {
            using var builder = new RecordBatchBuilder();
            foreach (var place in (int[])[8, 2, 5]) builder.AddMalformed(place, [], "raw"u8, Error, "It is broken.");
            foreach (var place in (int[])[0, 1, 3, 4, 6, 7, 9]) builder.Add("k"u8, "{}"u8, RecordOperation.Upsert, 0, place);
            using var batch = builder.Build(new Position("end"), 0, "line");
            batch.CutTo(keep);
            var places = Read(batch).Select(r => r.Place).Concat(batch.Malformed.Select(m => m.Place));
            Assert.Equal(Enumerable.Range(0, keep).Select(i => (long)i), places.Order());
        }
    }

    private static void WriteInPieces(RecordBatchBuilder builder, Random random, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text).AsSpan();
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(bytes.Length, random.Next(1, 500))];
            switch (random.Next(3))
            {
                case 0:
                    builder.Write(piece);
                    break;
                case 1:
                    piece.CopyTo(builder.GetSpan(piece.Length));
                    builder.Advance(piece.Length);
                    break;
                default:
                    piece.CopyTo(builder.GetMemory(piece.Length).Span);
                    builder.Advance(piece.Length);
                    break;
            }

            bytes = bytes[piece.Length..];
        }
    }

    private static string Text(Random random, int length) => string.Create(length, random, (span, r) =>
    {
        foreach (ref var c in span) c = (char)r.Next('a', 'z' + 1);
    });

    private static List<(string Key, string Json, RecordOperation Operation, long Version, long Place)> Read(RecordBatch batch)
    {
        var read = new List<(string, string, RecordOperation, long, long)>();
        foreach (ref readonly var r in batch.Records.Span) read.Add((Encoding.UTF8.GetString(r.Key.Span), Encoding.UTF8.GetString(r.Json.Span), r.Operation, r.Version, r.Place));
        return read;
    }
}
