using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Tests.Checkpoints;

public sealed class CheckpointTextTests
{
    /// <summary>What the first release wrote: it is read for ever.</summary>
    private const string Golden =
        """{"format":1,"sha256":"b1c886a8c5617b4d9b06214dac97d6bdda6c0eee172028bce47c3cd4c63552ae","checkpoint":{"saved_at":"2024-05-06T07:08:09.123+00:00","phase":"Changes","identity":{"sink":"jsonl","source":"csv"},"partitions":[{"id":"orders#0","position":"es1:abc:7","records":12}],"sink_token":"out1:part:5:5-ab:0:0:"}}""";

    [Fact]
    public void What_is_written_reads_back_equal()
    {
        foreach (var checkpoint in Examples())
        {
            AssertSame(checkpoint, CheckpointText.Read(CheckpointText.Write(checkpoint), "here"));
        }
    }

    [Fact]
    public void The_text_of_the_first_release_still_reads()
    {
        var read = CheckpointText.Read(Encoding.UTF8.GetBytes(Golden), "here");
        Assert.Equal((ReadKind.Changes, "out1:part:5:5-ab:0:0:"), (read.Phase, read.SinkToken));
        Assert.Equal(new PartitionProgress(new Position("es1:abc:7"), 12), read.Partitions[new PartitionId("orders#0")]);
        Assert.Equal(new DateTimeOffset(2024, 5, 6, 7, 8, 9, 123, TimeSpan.Zero), read.SavedAt);
        Assert.Equal(Golden + "\n", Encoding.UTF8.GetString(CheckpointText.Write(read)));
    }

    [Fact]
    public void Cut_off_anywhere_it_is_refused()
    {
        var text = CheckpointText.Write(Examples()[1]);
        for (var length = 0; length < text.Length - 2; length++) AssertRefused(text[..length]);
    }

    [Fact]
    public void With_any_one_bit_flipped_it_is_refused()
    {
        var checkpoint = Examples()[1];
        var text = CheckpointText.Write(checkpoint);
        for (var bit = 0; bit < text.Length * 8; bit++)
        {
            var flipped = (byte[])text.Clone();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertRefused(flipped);
        }
    }

    [Fact]
    public void With_two_bytes_swapped_or_one_doubled_or_left_out_it_is_refused()
    {
        var text = CheckpointText.Write(Examples()[1])[..^1];
        for (var at = 0; at + 1 < text.Length; at++)
        {
            AssertRefused([.. text[..at], .. text[(at + 1)..]]);
            if (text[at] != text[at + 1]) AssertRefused([.. text[..at], text[at + 1], text[at], .. text[(at + 2)..]]);
            AssertRefused([.. text[..(at + 1)], .. text[at..]]);
        }
    }

    [Fact]
    public void A_newer_format_is_named_and_refused()
    {
        var refused = Assert.Throws<PipelineException>(() => CheckpointText.Read(Encoding.UTF8.GetBytes(Golden.Replace("\"format\":1", "\"format\":2")), "/state/job/checkpoint.json"));
        Assert.Equal("checkpoint.newer_format", refused.Code);
        Assert.Equal("The checkpoint /state/job/checkpoint.json has format 2; this release reads up to 1.", refused.Message);
    }

    [Fact]
    public void Anything_else_is_refused()
    {
        foreach (var text in (string[])["", "null", "[]", "{}", "\"checkpoint\"", "{\"format\":1}", "{\"format\":\"1\",\"sha256\":\"\",\"checkpoint\":{}}", "{\"format\":0,\"sha256\":\"\",\"checkpoint\":{}}"])
        {
            AssertRefused(Encoding.UTF8.GetBytes(text));
        }
    }

    private static Checkpoint[] Examples() =>
    [
        new Checkpoint { Identity = new JobIdentity([]), Phase = ReadKind.Snapshot, Partitions = new Dictionary<PartitionId, PartitionProgress>() },
        new Checkpoint
        {
            Identity = new JobIdentity([KeyValuePair.Create("source", "csv"), KeyValuePair.Create("query", "{\"a\":\"ü\\n\"}")]),
            Phase = ReadKind.Changes,
            Partitions = new Dictionary<PartitionId, PartitionProgress>
            {
                [new PartitionId("/data/a b.csv")] = new(new Position("file1:1:2:3:4-5:6-7"), long.MaxValue),
                [new PartitionId("ключ#0")] = new(new Position("es1:\"quoted\""), 0),
            },
            SinkToken = "out1:part:10:10-ff:0:0:[\"id\",\"a\"]",
            SinkNote = "{\"columns\":[\"ü\"]}",
            Wrote = true,
            SavedAt = new DateTimeOffset(2024, 2, 29, 23, 59, 59, 999, TimeSpan.Zero).AddTicks(1234),
        },
    ];

    private static void AssertSame(Checkpoint expected, Checkpoint actual)
    {
        Assert.Equal(expected.Identity.Hash, actual.Identity.Hash);
        Assert.Equal(expected.Partitions, actual.Partitions);
        Assert.Equal((expected.Phase, expected.SinkToken, expected.SinkNote, expected.Wrote, expected.SavedAt), (actual.Phase, actual.SinkToken, actual.SinkNote, actual.Wrote, actual.SavedAt));
    }

    private static void AssertRefused(byte[] text)
    {
        var refused = Assert.Throws<PipelineException>(() => CheckpointText.Read(text, "here"));
        Assert.Contains(refused.Error, new[] { CheckpointErrors.Corrupt, CheckpointErrors.NewerFormat });
    }
}
