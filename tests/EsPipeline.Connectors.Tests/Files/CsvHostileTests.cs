using System.Globalization;
using System.IO.Compression;
using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>Files that are broken, or made to break their reader: what is wrong is set aside with its line, and everything else is read.</summary>
public sealed class CsvHostileTests
{
    private const int Mebibyte = 1 << 20;

    private static CsvParser Parser => new(new CsvOptions(), "in.csv", "in.csv", NullLogger.Instance);

    [Theory]
    [InlineData('\n')]
    [InlineData('\r')]
    public async Task A_line_longer_than_memory_may_hold_is_set_aside_alone(char lineEnd)
    {
        await using var stream = new RepeatingStream(
            (Text($"id,v{lineEnd}1,a{lineEnd}2,"), 1), (Text(new string('x', Mebibyte)), 300), (Text($"{lineEnd}3,b{lineEnd}4,c{lineEnd}"), 1));
        var (reading, records) = await FileReading.OfStreamAsync(stream, Parser);
        Assert.Equal(3, records);
        Assert.Equal([("file.record_too_long", 3L, "")], reading.Malformed);
    }

    // The rows behind it are rows, and not the rest of a text. There are more of them than memory may hold of one record.
    [Fact]
    public async Task A_quote_that_is_never_closed_costs_its_line_and_no_other()
    {
        var rows = string.Concat(Enumerable.Range(0, 10_000).Select(i => $"{i},abcdefghijklmnopqrstuvwxyz\n"));
        await using var stream = new RepeatingStream((Text("id,v\n1,\"never closed\n"), 1), (Text(rows), 900));
        var (reading, records) = await FileReading.OfStreamAsync(stream, Parser);
        Assert.Equal((9_000_000L, ("csv.quote", 2L, "")), (records, Assert.Single(reading.Malformed)));
    }

    [Fact]
    public async Task A_header_that_never_ends_is_refused_before_memory_is_full()
    {
        await using var stream = new RepeatingStream((Text("id,\"never closed\n"), 1), (Text(new string('x', Mebibyte)), 4000));
        var refused = await Assert.ThrowsAsync<PipelineException>(() => FileReading.OfStreamAsync(stream, Parser));
        Assert.Equal((FilesErrors.Unreadable, true), (refused.Error, refused.Message.Contains("128 MiB", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_small_file_that_unpacks_to_a_large_one_takes_no_more_memory_than_a_small_one()
    {
        using var packed = new MemoryStream();
        await using (var packer = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            packer.Write("id,v\n"u8);
            var rows = Text(string.Concat(Enumerable.Repeat($"k,{new string('0', 5000)}\n", 200)));
            for (var i = 0; i < 300; i++) packer.Write(rows);
        }

        packed.Position = 0;
        Assert.InRange(packed.Length, 0, 8 * Mebibyte);
        await using var unpacking = new GzipMembers(packed, mayBeNothing: false);
        var (reading, records) = await FileReading.OfStreamAsync(unpacking, Parser);
        Assert.Equal((60_000L, 0), (records, reading.Malformed.Count));
        Assert.InRange(reading.Grown, long.MinValue, 128 * Mebibyte);
    }

    [Fact]
    public async Task A_hundred_thousand_columns_are_fields_and_a_row_with_one_too_few_is_set_aside()
    {
        const int columns = 100_000;
        var header = string.Join(',', Enumerable.Range(0, columns).Select(i => i == 0 ? "id" : $"c{i}"));
        var row = string.Join(',', Enumerable.Range(0, columns).Select(i => i.ToString(CultureInfo.InvariantCulture)));
        var reading = await FileReading.OfCsvAsync($"{header}\n{row}\n{row[..row.LastIndexOf(',')]}\n{row},\n9{row}\n");
        Assert.Equal(["0", "90"], reading.Documents.Select(d => d.Key));
        using var json = System.Text.Json.JsonDocument.Parse(reading.Documents[0].Json);
        Assert.Equal((columns, "99999"), (json.RootElement.EnumerateObject().Count(), json.RootElement.GetProperty("c99999").GetString()));
        Assert.Equal([("csv.field_count", 3L, "0"), ("csv.field_count", 4L, "0")], reading.Malformed);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public async Task Lines_may_end_in_any_way_and_so_may_those_within_a_value(string end)
    {
        var reading = await FileReading.OfCsvAsync($"id,v{end}1,a{end}2,\"b{end}c\"{end}{end}3,d");
        var within = end.Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal);
        ContentAssert.Same(
            [new Document("1", """{"id":"1","v":"a"}"""), new("2", $$"""{"id":"2","v":"b{{within}}c"}"""), new("3", """{"id":"3","v":"d"}""")], Held(reading));
    }

    [Fact]
    public async Task Lines_may_end_in_a_different_way_each()
    {
        var reading = await FileReading.OfCsvAsync("id,v\r\n1,a\n2,b\r3,c\r\n\r\n4,\"d\"\r5,e\n6\n");
        Assert.Equal(["1", "2", "3", "4", "5"], reading.Documents.Select(d => d.Key));
        Assert.Equal([("csv.field_count", 8L, "6")], reading.Malformed);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_set_aside_with_their_row()
    {
        byte[] bytes =
        [
            .. "id,v\n1,a\n2,"u8, 0xFF, .. "\n3,"u8, 0xC3, 0x28, .. "\n4,ü\n"u8, .. "5,\""u8, 0xED, 0xA0, 0x80, .. "\"\n6,\0z\n"u8, 0xFE, .. ",v\n"u8,
        ];
        var reading = await FileReading.OfCsvAsync(bytes);
        ContentAssert.Same([new Document("1", """{"id":"1","v":"a"}"""), new("4", """{"id":"4","v":"ü"}"""), new("6", """{"id":"6","v":"\u0000z"}""")], Held(reading));
        Assert.Equal([3L, 4L, 6L, 8L], reading.Malformed.Select(m => m.Line));
        Assert.All(reading.Malformed, m => Assert.Equal("file.not_utf8", m.Code));
    }

    [Fact]
    public async Task A_byte_order_mark_is_no_part_of_the_first_name()
    {
        var reading = await FileReading.OfCsvAsync("\uFEFFid,v\n1,\uFEFFa\n");
        Assert.Equal([new Document("1", "{\"id\":\"1\",\"v\":\"\uFEFFa\"}")], reading.Documents);
        Assert.Equal([new Document("1", """{"column_1":"1","column_2":"a"}""")], (await FileReading.OfCsvAsync("\uFEFF1,a\n", new CsvOptions { NoHeader = true })).Documents);
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public async Task Utf_16_is_told_as_that(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => FileReading.OfCsvAsync([.. encoding.GetPreamble(), .. encoding.GetBytes("id,v\n1,a\n")]));
        Assert.Equal((FilesErrors.Utf16, FailureKind.Environment), (refused.Error, refused.Kind));
    }

    [Theory]
    [InlineData("1F8B0800000000000003", "packed with gzip")]
    [InlineData("28B52FFD0458", "packed with zstd")]
    [InlineData("425A683931415926535900", "packed with bzip2")]
    [InlineData("FD377A585A0000", "packed with xz")]
    [InlineData("504B030414000000", "a ZIP archive")]
    [InlineData("5345510619", "a SequenceFile")]
    [InlineData("4F626A010416", "Avro")]
    public async Task What_is_packed_or_no_text_is_told_as_that_by_its_first_bytes(string hex, string kind)
    {
        var bytes = Convert.FromHexString(hex);
        var csv = await Assert.ThrowsAsync<PipelineException>(() => FileReading.OfCsvAsync(bytes));
        Assert.Equal((FilesErrors.NotText, true), (csv.Error, csv.Message.Contains($"in.csv is {kind}", StringComparison.Ordinal)));
        Assert.Equal(FilesErrors.NotText, (await Assert.ThrowsAsync<PipelineException>(() => FileReading.OfJsonLinesAsync(bytes))).Error);
    }

    [Fact]
    public async Task An_archive_is_told_by_its_mark_and_a_text_with_that_word_is_a_text()
    {
        byte[] archive = [.. Text("in.csv"), .. new byte[251], .. Text("ustar\u000000"), .. new byte[248], .. Text("id\n1\n")];
        Assert.Equal(FilesErrors.NotText, (await Assert.ThrowsAsync<PipelineException>(() => FileReading.OfCsvAsync(archive))).Error);
        Assert.Equal("1", Assert.Single((await FileReading.OfCsvAsync($"id,v\n1,{new string('x', 250)}ustar\n")).Documents).Key);
    }

    [Theory]
    [InlineData("[{\"id\":1},{\"id\":2}]")]
    [InlineData("\uFEFF \n\t[\n{\"id\":1},\n{\"id\":2}\n]\n")]
    public async Task A_file_that_is_one_array_is_told_as_that(string text)
    {
        var refused = await Assert.ThrowsAsync<PipelineException>(() => FileReading.OfJsonLinesAsync(text));
        Assert.Equal((FilesErrors.JsonArray, true), (refused.Error, refused.Message.Contains("in.jsonl", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("id,v\n\"1\"x,a\n2,b\n", "csv.quote", 2)]
    [InlineData("id,v\n1,\"a\"\"\n2,b\n", "csv.quote", 2)]
    [InlineData("id,v\n,a\n2,b\n", "csv.no_key", 2)]
    [InlineData("id,v\n\"\",a\n2,b\n", "csv.no_key", 2)]
    [InlineData("id,v\n1\n2,b\n", "csv.field_count", 2)]
    public async Task What_is_wrong_with_a_row_is_told_with_its_line_and_the_next_one_is_read(string text, string code, long line)
    {
        var reading = await FileReading.OfCsvAsync(text);
        Assert.Equal(["2"], reading.Documents.Select(d => d.Key));
        Assert.Equal((code, line), (Assert.Single(reading.Malformed).Code, reading.Malformed[0].Line));
    }

    [Theory]
    [InlineData("id,v,v\n1,a,b\n", "csv.duplicate_column", "'v'")]
    [InlineData("key,v\n1,a\n", "csv.no_column", "'id'")]
    [InlineData("id,\"v\n1,a\n", "file.unreadable", "quote")]
    public async Task A_header_of_no_use_is_told_at_once(string text, string code, string named)
    {
        var refused = await Assert.ThrowsAsync<PipelineException>(() => FileReading.OfCsvAsync(text));
        Assert.Equal((code, FailureKind.Environment), (refused.Code, refused.Kind));
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_that_are_no_documents_are_told_with_what_is_wrong_with_each()
    {
        var options = new JsonLinesOptions { ContentField = "content" };
        var reading = await FileReading.OfJsonLinesAsync(
            """
            {"id":"a","content":{"v":1}}
            {"id":"b","content":{"v":1}
            [{"id":"c"}]
            {"id":"d","content":{}} {"id":"e"}
            {"content":{}}
            {"id":null,"content":{}}
            {"id":{"x":1},"content":{}}
            {"id":"f","content":[1]}
            {"id":"g"}

            {"id":7,"content":{"v":2}}
            """,
            options);
        Assert.Equal([new Document("a", """{"v":1}"""), new("7", """{"v":2}""")], reading.Documents);
        Assert.Equal(
            [
                ("jsonl.not_json", 2L, ""), ("jsonl.not_json", 3L, ""), ("jsonl.not_json", 4L, ""), ("jsonl.no_id", 5L, ""), ("jsonl.no_id", 6L, ""), ("jsonl.no_id", 7L, ""),
                ("jsonl.no_content", 8L, "f"), ("jsonl.no_content", 9L, "g"),
            ],
            reading.Malformed);
    }

    private static Dictionary<string, string> Held(FileReading reading) => reading.Documents.ToDictionary(d => d.Key, d => d.Json);

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    // Parts one after the other, each so often.
    private sealed class RepeatingStream(params (byte[] Bytes, int Times)[] parts) : Stream
    {
        private readonly Queue<byte[]> _parts = new(parts.SelectMany(p => Enumerable.Repeat(p.Bytes, p.Times)));
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (!_parts.TryPeek(out var part)) return 0;
            var count = Math.Min(buffer.Length, part.Length - _at);
            part.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            if (_at == part.Length) (_at, _) = (0, _parts.Dequeue());
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
