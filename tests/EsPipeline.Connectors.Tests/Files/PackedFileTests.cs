using System.IO.Compression;
using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>What holds for packed files beside the conformance suite.</summary>
public sealed class PackedFileTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public async Task One_that_was_cut_off_is_damaged_and_never_taken_for_a_shorter_one(string ending)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("documents" + ending);
        var whole = Packed(ending, Lines(2000));
        foreach (var length in (int[])[1, 8, whole.Length / 2, whole.Length - 9, whole.Length - 4, whole.Length - 1])
        {
            await File.WriteAllBytesAsync(path, whole[..length], Ct);
            var damaged = await Assert.ThrowsAsync<PipelineException>(() => CountAsync(path));
            Assert.Equal(FilesErrors.Damaged, damaged.Error);
        }

        await File.WriteAllBytesAsync(path, [.. whole, .. whole], Ct);
        Assert.Equal(4000, await CountAsync(path));
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public async Task One_that_was_read_to_its_end_is_not_unpacked_again_until_it_changes(string ending)
    {
        using var folder = new TemporaryFolder();
        string[] paths = [folder.File("a" + ending), folder.File("b" + ending)];
        foreach (var path in paths) await File.WriteAllBytesAsync(path, Packed(ending, Lines(2000)), Ct);
        var saved = new Dictionary<PartitionId, Position>();
        Assert.Equal((4000, null), await PassAsync(paths, saved));
        Assert.All(paths, path => Assert.EndsWith($":{new FileInfo(path).Length}", saved[new PartitionId(path)].Value, StringComparison.Ordinal));

        // Nobody who looks into it can read it any more.
        var packed = await File.ReadAllBytesAsync(paths[0], Ct);
        var modified = File.GetLastWriteTimeUtc(paths[0]);
        await File.WriteAllBytesAsync(paths[0], [.. packed[..^500], .. new byte[500]], Ct);
        File.SetLastWriteTimeUtc(paths[0], modified);
        Assert.Equal((0, null), await PassAsync(paths, saved));
        File.SetLastWriteTimeUtc(paths[0], modified.AddSeconds(1));
        Assert.Equal(FilesErrors.Damaged, (await Assert.ThrowsAsync<PipelineException>(() => PassAsync(paths, saved))).Error);

        await File.WriteAllBytesAsync(paths[0], [.. packed, .. Packed(ending, Encoding.UTF8.GetBytes("{\"id\":\"new\",\"content\":{}}\n"))], Ct);
        Assert.Equal((2001, $"'a{ending}', which comes before it, has grown"), await PassAsync(paths, saved));
        Assert.Equal((0, null), await PassAsync(paths, saved));
    }

    [Fact]
    public async Task One_that_was_damaged_is_read_from_its_start_once_it_is_mended()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a.gz");
        var part = Packed(".gz", Lines(1000));
        byte[] whole = [.. part, .. part];
        byte[] damaged = [.. whole];
        damaged[part.Length] ^= 1;
        await File.WriteAllBytesAsync(path, damaged, Ct);
        var saved = new Dictionary<PartitionId, Position>();
        await Assert.ThrowsAsync<PipelineException>(() => PassAsync([path], saved));
        Assert.Single(saved);

        // Its beginning and what was read last are as they were; what was between may not have been.
        await File.WriteAllBytesAsync(path, whole, Ct);
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddSeconds(5));
        var (records, over) = await PassAsync([path], saved);
        Assert.Equal((2000, true), (records, over is not null));
    }

    // Reads what is new, as a run after another does.
    private static async Task<(int Records, string? StartsOver)> PassAsync(string[] paths, Dictionary<PartitionId, Position> saved)
    {
        await using var source = new JsonLinesSource(new JsonLinesOptions { Files = paths }, TimeProvider.System);
        var (count, over) = (0, (string?)null);
        foreach (var partition in await source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, saved), Ct))
        {
            over ??= partition.StartsOverBecause;
            var from = partition.StartsOverBecause is null ? saved.GetValueOrDefault(partition.Id, partition.Start) : partition.Start;
            await foreach (var batch in source.ReadAsync(partition, from, Ct))
            {
                count += batch.Count;
                saved[partition.Id] = batch.End;
                batch.Dispose();
            }
        }

        return (count, over);
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public async Task Damage_after_a_part_is_never_taken_for_the_end_and_what_came_before_is_read(string ending)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("documents" + ending);
        var whole = Packed(ending, Lines(1000));
        byte[] twice = [.. whole, .. whole];
        twice[whole.Length] ^= 1;
        await File.WriteAllBytesAsync(path, twice, Ct);
        var read = new List<int>();
        Assert.Equal(FilesErrors.Damaged, (await Assert.ThrowsAsync<PipelineException>(() => CountAsync(path, read.Add))).Error);
        Assert.Equal(1000, read.Sum());
    }

    [Fact]
    public async Task A_gzip_file_of_no_bytes_which_the_runtime_writes_for_nothing_is_empty()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.File("documents.gz"), Packed(".gz", []), Ct);
        Assert.Equal(0, await CountAsync(folder.File("documents.gz")));
    }

    private static byte[] Lines(int count) =>
        Encoding.UTF8.GetBytes(string.Concat(Corpus.Plain(count).Select(d => $$"""{"id":"{{d.Key}}","content":{{d.Json}}}""" + "\n")));

    private static byte[] Packed(string ending, byte[] text)
    {
        var packed = new MemoryStream();
        using (Stream packing = ending == ".gz" ? new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true) : new ZstdStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            packing.Write(text);
        }

        return packed.ToArray();
    }

    private static async Task<int> CountAsync(string path, Action<int>? each = null)
    {
        await using var source = new JsonLinesSource(new JsonLinesOptions { Files = [path] }, TimeProvider.System);
        var plan = new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>());
        var count = 0;
        foreach (var partition in await source.GetPartitionsAsync(plan, Ct))
        {
            await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
            {
                count += batch.Count;
                each?.Invoke(batch.Count);
                batch.Dispose();
            }
        }

        return count;
    }
}
