using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Errors;
using ICSharpCode.SharpZipLib.BZip2;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>Part files that are packed.</summary>
public sealed class PackingTests
{
    private const int Count = 4000;

    private static readonly SourceKnobs Small = new() { PageSize = 20 };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Endings => [".gz", ".bz2", ".zst", ".snappy", ".deflate"];

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task Each_is_read_whole_and_resumed_at_every_batch(string ending)
    {
        await using var set = await JobAsync(ending, Packed(ending));
        var whole = await SourceReader.ReadSnapshotAsync(set, Small, 1, Ct);
        Assert.Equal(Lines(), whole.Records.Select(r => r.Key));
        Assert.True(whole.Batches.Count > 10);
        for (var i = 0; i < whole.Batches.Count; i += 5)
        {
            var saved = whole.Saved.ToDictionary(p => p.Key, _ => whole.Batches[i].End);
            var rest = await SourceReader.ReadSnapshotAsync(set, Small, 1, Ct, saved);
            Assert.Equal(Lines(), whole.Batches.Take(i + 1).SelectMany(b => b.Records).Concat(rest.Records).Select(r => r.Key));
        }
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".bz2")]
    [InlineData(".zst")]
    [InlineData(".deflate")]
    public async Task Several_members_one_after_the_other_are_all_read(string ending)
    {
        var one = Packed(ending);
        await using var set = await JobAsync(ending, [.. one, .. one, .. one]);
        var reading = await SourceReader.ReadSnapshotAsync(set, Small, 1, Ct);
        Assert.Equal(3 * Count, reading.Records.Count());
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task One_that_was_cut_off_is_damaged_and_never_taken_for_a_shorter_one(string ending)
    {
        var whole = Packed(ending);
        foreach (var length in (int[])[1, 7, whole.Length / 3, whole.Length - 5, whole.Length - 1])
        {
            await using var set = await JobAsync(ending, whole[..length]);
            var damaged = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadSnapshotAsync(set, Small, 1, Ct));
            Assert.Equal(HadoopErrors.Damaged, damaged.Error);
            Assert.Contains("part-00000" + ending, damaged.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".bz2")]
    [InlineData(".zst")]
    [InlineData(".deflate")]
    public async Task What_comes_before_the_damage_is_read(string ending)
    {
        var one = Packed(ending);
        byte[] twice = [.. one, .. one];
        twice[one.Length] ^= 2;
        await using var set = await JobAsync(ending, twice);
        await using var source = set.Open(new SourceKnobs());
        var partition = Assert.Single(await source.GetPartitionsAsync(SourceReader.Plan(set, Core.Sources.ReadKind.Snapshot, 1), Ct));
        var read = 0;
        var damaged = await Assert.ThrowsAsync<PipelineException>(async () =>
        {
            await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
            {
                read += batch.Count;
                batch.Dispose();
            }
        });
        Assert.Equal((HadoopErrors.Damaged, Count), (damaged.Error, read));
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task One_that_holds_something_else_is_damaged(string ending)
    {
        await using var set = await JobAsync(ending, Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("this is no packed file\t1\n", 500))));
        var damaged = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadSnapshotAsync(set, Small, 1, Ct));
        Assert.Equal(HadoopErrors.Damaged, damaged.Error);
    }

    [Fact]
    public async Task A_snappy_chunk_that_claims_to_be_huge_is_refused_without_setting_memory_aside()
    {
        // A block of 1,000 bytes whose only chunk, of 8 bytes, says that it unpacks to 4 GiB.
        byte[] bomb = [0, 0, 3, 0xE8, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0];
        await using var set = await JobAsync(".snappy", bomb);
        var damaged = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadSnapshotAsync(set, Small, 1, Ct));
        Assert.Equal(HadoopErrors.Damaged, damaged.Error);
    }

    [Theory]
    [InlineData(".lzo", "LZO")]
    [InlineData(".lzo_deflate", "LZO")]
    [InlineData(".LZ4", "LZ4")]
    [InlineData(".xz", "XZ")]
    [InlineData(".br", "Brotli")]
    [InlineData(".zip", "ZIP")]
    [InlineData(".7z", "7-Zip")]
    [InlineData(".Z", "compress")]
    [InlineData(".tar", "TAR")]
    [InlineData(".tgz", "TAR")]
    [InlineData(".parquet", "Parquet")]
    [InlineData(".orc", "ORC")]
    [InlineData(".avro", "Avro")]
    [InlineData(".seq", "SequenceFile")]
    [InlineData(".rc", "RCFile")]
    public async Task One_that_can_not_be_read_is_refused_by_name_before_anything_is(string ending, string kind)
    {
        await using var set = await JobAsync(ending, [1, 2, 3]);
        await using var source = set.Open(Small);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(SourceReader.Plan(set, Core.Sources.ReadKind.Snapshot, 1), Ct));
        Assert.Equal(HadoopErrors.UnknownPacking, refused.Error);
        Assert.Contains($"part-00000{ending} is {kind}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HadoopFormat.ObjectCounts, "SEQ\u0006\u0019org.apache.hadoop.io.Text", "SequenceFile")]
    [InlineData(HadoopFormat.KeyValue, "SEQ\u0006\u0019org.apache.hadoop.io.Text", "SequenceFile")]
    [InlineData(HadoopFormat.Jsonl, "SEQ\u0006\u0019org.apache.hadoop.io.Text", "SequenceFile")]
    [InlineData(HadoopFormat.Csv, "SEQ\u0006\u0019org.apache.hadoop.io.Text", "SequenceFile")]
    [InlineData(HadoopFormat.Jsonl, "Obj\u0001\u0004\u0016avro.schema", "Avro")]
    [InlineData(HadoopFormat.Csv, "Obj\u0001\u0004\u0016avro.schema", "Avro")]
    public async Task A_file_that_is_no_text_is_told_by_its_first_bytes_in_every_format(HadoopFormat format, string content, string kind)
    {
        await using var set = await JobAsync("", Encoding.UTF8.GetBytes(content));
        await using var source = set.Open(Small, set.Options with { Format = format });
        var refused = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadAsync(source, SourceReader.Plan(set, Core.Sources.ReadKind.Snapshot, 1), Ct));
        Assert.Equal(FilesErrors.NotText, refused.Error);
        Assert.Contains(kind, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task One_that_holds_nothing_was_cut_off_and_is_told_before_anything_is_read(string ending)
    {
        await using var set = await JobAsync(ending, []);
        await using var source = set.Open(Small);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(SourceReader.Plan(set, Core.Sources.ReadKind.Snapshot, 1), Ct));
        Assert.Equal(HadoopErrors.Damaged, refused.Error);
        Assert.Contains("part-00000" + ending, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".gz", "packed with gzip")]
    [InlineData(".bz2", "packed with bzip2")]
    [InlineData(".zst", "packed with zstd")]
    public async Task One_whose_name_does_not_say_that_it_is_packed_is_refused_and_not_read_as_text(string ending, string kind)
    {
        await using var set = await JobAsync("", Packed(ending));
        var refused = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadSnapshotAsync(set, Small, 1, Ct));
        Assert.Equal(FilesErrors.NotText, refused.Error);
        Assert.Contains($"part-00000 is {kind}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_begins_like_another_kind_of_file_is_a_key()
    {
        await using var set = await JobAsync("", Encoding.UTF8.GetBytes("SEQ\t1\nORC\t2\nPAR1\t3\n"));
        Assert.Equal(["SEQ", "ORC", "PAR1"], (await SourceReader.ReadSnapshotAsync(set, Small, 1, Ct)).Records.Select(r => r.Key));
    }

    private static async Task<HadoopDataSet> JobAsync(string ending, byte[] content)
    {
        var set = new KeyValueFolder();
        await set.WriteAsync($"job/part-00000{ending}", content, Ct);
        await set.WriteAsync("job/_SUCCESS", "", Ct);
        return set;
    }

    internal static IEnumerable<string> Lines() => Enumerable.Range(0, Count).Select(i => $"word {i * 7919 % 100_003}");

    internal static byte[] Packed(string ending)
    {
        var text = Encoding.UTF8.GetBytes(string.Concat(Lines().Select(l => l + "\t1\n")));
        return ending == ".snappy" ? Snappy(text) : Packed(ending, text);
    }

    internal static byte[] Packed(string ending, byte[] text)
    {
        var packed = new MemoryStream();
        using (Stream packing = ending switch
        {
            ".gz" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            ".deflate" => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            ".bz2" => new BZip2OutputStream(packed) { IsStreamOwner = false },
            _ => new ZstdStream(packed, CompressionMode.Compress, leaveOpen: true),
        })
        {
            packing.Write(text);
        }

        return packed.ToArray();
    }

    // Blocks of 20,000 bytes, the second of them in two chunks.
    private static byte[] Snappy(byte[] text)
    {
        var packed = new MemoryStream();
        foreach (var (i, block) in text.Chunk(20_000).Index())
        {
            Number(block.Length);
            foreach (var chunk in block.Chunk(i == 1 ? 15_000 : 20_000))
            {
                var bytes = IronSnappy.Snappy.Encode(chunk);
                Number(bytes.Length);
                packed.Write(bytes);
            }
        }

        return packed.ToArray();

        void Number(int number)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(bytes, number);
            packed.Write(bytes);
        }
    }
}
