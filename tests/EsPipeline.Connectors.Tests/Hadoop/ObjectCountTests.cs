using System.Globalization;
using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>Lines of object counts and of keys with values.</summary>
public sealed class ObjectCountTests
{
    [Theory]
    [InlineData("person@2024-03-01 10:05\t17\t10:05:01,10:05:09", "person", 17, "2024-03-01T10:05:00Z")]
    [InlineData("person@2024-03-01 10:05\t17", "person", 17, "2024-03-01T10:05:00Z")]
    [InlineData("person@2024-03-01 10:05\t17\t\r", "person", 17, "2024-03-01T10:05:00Z")]
    [InlineData("a@b@2024-02-29 00:00\t0", "a@b", 0, "2024-02-29T00:00:00Z")]
    [InlineData(" traffic light @0001-01-01 23:59\t007", " traffic light ", 7, "0001-01-01T23:59:00Z")]
    [InlineData("Straßenbahn 🚋@9999-12-31 00:00\t9223372036854775807", "Straßenbahn 🚋", long.MaxValue, "9999-12-31T00:00:00Z")]
    [InlineData("say \"hi\" \\ \u0001@2024-01-01 00:00\t1", "say \"hi\" \\ \u0001", 1, "2024-01-01T00:00:00Z")]
    public void A_line_becomes_a_document_under_its_label_and_time(string line, string label, long count, string time)
    {
        using var batch = Read(new ObjectCountLines("part-00007"), line);
        Assert.Empty(batch.Malformed.Select(m => m.Reason));
        var record = batch.Records.Span[0];
        Assert.Equal(line[..line.IndexOf('\t', StringComparison.Ordinal)], Encoding.UTF8.GetString(record.Key.Span));
        var expected = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"label":{{System.Text.Json.JsonSerializer.Serialize(label)}},"count":{{count}},"time_bucket":"{{time}}","@timestamp":"{{time}}","s3_source_file":"part-00007"}""");
        ContentAssert.Same(
            [new Document("k", expected)], new Dictionary<string, string> { ["k"] = Encoding.UTF8.GetString(record.Json.Span) });
    }

    [Theory]
    [InlineData("no tab at all")]
    [InlineData("person\t17")]
    [InlineData("@2024-03-01 10:05\t17")]
    [InlineData("person@2024-03-01 10:05\t")]
    [InlineData("person@2024-03-01 10:05\t-1")]
    [InlineData("person@2024-03-01 10:05\t+1")]
    [InlineData("person@2024-03-01 10:05\t1.5")]
    [InlineData("person@2024-03-01 10:05\t17 ")]
    [InlineData("person@2024-03-01 10:05\t9223372036854775808")]
    [InlineData("person@2023-02-29 10:05\t17")]
    [InlineData("person@2024-13-01 10:05\t17")]
    [InlineData("person@0000-01-01 10:05\t17")]
    [InlineData("person@2024-03-01 24:05\t17")]
    [InlineData("person@2024-03-01 10:60\t17")]
    [InlineData("person@2024-03-01T10:05\t17")]
    [InlineData("person@2024-03-01 10:05:00\t17")]
    [InlineData("person@2024-03-0x 10:05\t17")]
    [InlineData("person@2024-03-01 10:05\t17\ta\tb")]
    public void A_line_of_another_form_is_malformed_with_its_number_and_the_rest_is_read(string line)
    {
        using var batch = Read(new ObjectCountLines("part-00007"), "a@2024-01-01 00:00\t1", line, "b@2024-01-01 00:00\t2");
        Assert.Equal(2, batch.Count);
        var malformed = Assert.Single(batch.Malformed);
        Assert.Equal((2, HadoopErrors.NotACount, line), (malformed.Place, malformed.Error, Encoding.UTF8.GetString(malformed.Raw.Span)));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_malformed()
    {
        using var output = new RecordBatchBuilder();
        byte[] line = [.. "a\xff@2024-01-01 00:00\t1\n"u8.ToArray().Select(b => b == 0xC3 ? (byte)0xFF : b)];
        new ObjectCountLines("p").ReadRecord([.. line, .. new byte[ChunkReader.Padding]], true, 1, output, out _);
        using var batch = output.Build(default, 0, "line");
        Assert.Equal(FilesErrors.NotUtf8, Assert.Single(batch.Malformed).Error);
    }

    [Fact]
    public void Keys_and_values_are_what_stands_before_and_after_the_first_tab()
    {
        using var batch = Read(new KeyValueLines("part-r-00000"), "word\t3", "a b\tx\ty", "alone", "empty\t", "\tnothing");
        string[] documents = [.. batch.Records.ToArray().Select(r => Encoding.UTF8.GetString(r.Key.Span) + " " + Encoding.UTF8.GetString(r.Json.Span))];
        Assert.Equal(
            [
                """word {"key":"word","value":"3","s3_source_file":"part-r-00000"}""",
                """a b {"key":"a b","value":"x\ty","s3_source_file":"part-r-00000"}""",
                """alone {"key":"alone","value":null,"s3_source_file":"part-r-00000"}""",
                """empty {"key":"empty","value":"","s3_source_file":"part-r-00000"}""",
            ],
            documents);
        Assert.Equal((5, HadoopErrors.NoKey), (batch.Malformed[0].Place, batch.Malformed[0].Error));
    }

    [Fact]
    public async Task The_fields_of_object_counts_have_the_types_that_the_index_needs()
    {
        await using var source = new FolderDataSet().Open(new SourceKnobs(), new HadoopOptions { Path = ".", Format = HadoopFormat.ObjectCounts });
        var schema = await source.DescribeAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            [("label", FieldKind.Keyword), ("count", FieldKind.Integer), ("time_bucket", FieldKind.Timestamp), ("@timestamp", FieldKind.Timestamp), ("s3_source_file", FieldKind.Keyword)],
            schema.Fields.Select(f => (f.Path, f.Kind)));
    }

    private static RecordBatch Read(IRecordParser parser, params string[] lines)
    {
        using var output = new RecordBatchBuilder();
        byte[] data = [.. Encoding.UTF8.GetBytes(string.Join('\n', lines)), .. new byte[ChunkReader.Padding]];
        var used = parser.ReadHeader(data, true, out _);
        for (var line = 1; used < data.Length - ChunkReader.Padding; line++) used += parser.ReadRecord(data.AsSpan(used), true, line, output, out _);
        return output.Build(default, 0, "line");
    }
}
