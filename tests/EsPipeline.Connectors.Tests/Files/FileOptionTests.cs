using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>What each option of files changes.</summary>
public sealed class FileOptionTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("12", "12")]
    [InlineData("-0.5", "-0.5")]
    [InlineData("0", "0")]
    [InlineData("true", "true")]
    [InlineData("", "null")]
    [InlineData("9223372036854775807", "9223372036854775807")]
    [InlineData("9223372036854775808", "\"9223372036854775808\"")]
    [InlineData("007", "\"007\"")]
    [InlineData("+1", "\"+1\"")]
    [InlineData("1e5", "\"1e5\"")]
    [InlineData("1.", "\"1.\"")]
    [InlineData(".5", "\".5\"")]
    [InlineData("1.2.3", "\"1.2.3\"")]
    [InlineData("1.00000000000000001", "\"1.00000000000000001\"")]
    [InlineData("-", "\"-\"")]
    [InlineData("NaN", "\"NaN\"")]
    [InlineData("True", "\"True\"")]
    [InlineData("null", "\"null\"")]
    [InlineData(" 1", "\" 1\"")]
    [InlineData("2024-01-01", "\"2024-01-01\"")]
    public async Task Types_are_inferred_of_what_is_unmistakable_and_of_nothing_else(string value, string json)
    {
        var text = $"id,v\n1,{value}\n";
        Assert.Equal([new Document("1", $$"""{"id":1,"v":{{json}}}""")], (await FileReading.OfCsvAsync(text, new CsvOptions { Types = CsvTypes.Infer })).Documents);
        Assert.Equal([new Document("1", $$"""{"id":"1","v":"{{value}}"}""")], (await FileReading.OfCsvAsync(text)).Documents);
    }

    [Theory]
    [InlineData(";", "id;v\na;1,5\n\"b\";\"x;y\"\n")]
    [InlineData("tab", "id\tv\na\t1,5\nb\t\"x;y\"\n")]
    [InlineData("\\t", "id\tv\na\t1,5\nb\tx;y\n")]
    [InlineData("|", "id|v\na|1,5\nb|x;y\n")]
    public async Task Values_are_cut_at_the_delimiter_alone(string delimiter, string text) => Assert.Equal(
        [new Document("a", """{"id":"a","v":"1,5"}"""), new Document("b", """{"id":"b","v":"x;y"}""")],
        (await FileReading.OfCsvAsync(text, new CsvOptions { Delimiter = delimiter })).Documents);

    [Fact]
    public async Task Without_a_header_the_first_line_is_a_record_and_its_first_value_the_key()
    {
        Assert.Equal(
            [new Document("id", """{"column_1":"id","column_2":"v"}"""), new Document("a", """{"column_1":"a","column_2":"1"}""")],
            (await FileReading.OfCsvAsync("id,v\na,1\n", new CsvOptions { NoHeader = true })).Documents);
        Assert.Equal(
            [new Document("v", """{"column_1":"id","column_2":"v"}""")],
            (await FileReading.OfCsvAsync("id,v\n", new CsvOptions { NoHeader = true, IdColumn = "column_2" })).Documents);
    }

    [Fact]
    public async Task Keys_of_lines_are_the_files_name_and_the_number_of_the_line_that_a_record_begins_on()
    {
        var csv = await FileReading.OfCsvAsync("a,v\n1,\"two\nlines\"\n\n1,x\n", new CsvOptions { IdColumn = "@line" });
        Assert.Equal(["in.csv:2", "in.csv:5"], csv.Documents.Select(d => d.Key));
        var lines = await FileReading.OfJsonLinesAsync("{\"v\":1}\n\n{\"v\":1}\n", new JsonLinesOptions { IdField = "@line" });
        Assert.Equal([new Document("in.jsonl:1", "{\"v\":1}"), new Document("in.jsonl:3", "{\"v\":1}")], lines.Documents);
    }

    [Fact]
    public async Task The_key_of_a_line_is_the_field_that_is_named_deep_or_not()
    {
        const string text = """
            {"sku":"a","id":"other"}
            {"sku":12345678901234567890}
            {"id":"c"}
            """;
        var reading = await FileReading.OfJsonLinesAsync(text, new JsonLinesOptions { IdField = "sku" });
        Assert.Equal(["a", "12345678901234567890"], reading.Documents.Select(d => d.Key));
        Assert.Equal(("jsonl.no_id", 3L, ""), Assert.Single(reading.Malformed));
        var deep = await FileReading.OfJsonLinesAsync("""{"meta":{"key":"k"},"v":1}""", new JsonLinesOptions { IdField = "meta.key" });
        Assert.Equal([new Document("k", """{"meta":{"key":"k"},"v":1}""")], deep.Documents);
    }

    // A number is one: only a text may be a formula. A name of a column is a text as well.
    [Theory]
    [InlineData(true, "id,'=name,v\na,1,'=1+1\nb,2,\"'+SUM(A1,\"\"x\"\")\"\nc,3,'@x\nd,4,'-5\ne,5,'\tx\nf,6,-5\ng,7,a=b\n'-h,8,\n")]
    [InlineData(false, "id,=name,v\na,1,=1+1\nb,2,\"+SUM(A1,\"\"x\"\")\"\nc,3,@x\nd,4,-5\ne,5,\tx\nf,6,-5\ng,7,a=b\n-h,8,\n")]
    public async Task Texts_that_a_spreadsheet_would_compute_are_quoted_where_that_is_asked_for(bool safe, string expected)
    {
        using var folder = new TemporaryFolder();
        Document[] documents =
        [
            new("a", """{"=name":1,"v":"=1+1"}"""), new("b", """{"=name":2,"v":"+SUM(A1,\"x\")"}"""), new("c", """{"=name":3,"v":"@x"}"""), new("d", """{"=name":4,"v":"-5"}"""),
            new("e", """{"=name":5,"v":"\tx"}"""), new("f", """{"=name":6,"v":-5}"""), new("g", """{"=name":7,"v":"a=b"}"""), new("-h", """{"=name":8}"""),
        ];
        CsvSink Open() => new(new CsvOutputOptions { File = folder.File("out.csv"), CsvSafe = safe }, new RunOptions(), TimeProvider.System, NullLogger<CsvSink>.Instance);
        using var batch = Slices.Of(documents);
        await using (var sink = Open())
        {
            await sink.PrepareAsync(SourceSchema.Unknown, Ct);
            Assert.True(await sink.RestoreAsync(null, Ct));
            await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: true, Ct);
            Assert.Equal(documents.Length, (await sink.WriteAsync(batch.Slice(), Ct)).Written);
            await sink.CompleteAsync(Ct);
        }

        Assert.Equal(expected, await File.ReadAllTextAsync(folder.File("out.csv"), Ct));

        // What such a file reads back as is known to whoever compares both ends.
        await using var again = Open();
        await again.PrepareReadBackAsync(SourceSchema.Unknown, Ct);
        using var output = new Core.Records.RecordBatchBuilder();
        Assert.Empty(await again.ReadBackAsync(batch.Slice(), output, Ct));
    }
}
