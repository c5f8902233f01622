using System.Text;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.DeadLetters;

public sealed class DeadLetterFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Path => _folder.File("dead-letters.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_field_reads_back_as_it_was()
    {
        DeadLetter[] letters =
        [
            Letter("k", """{"a":1.50,"b":"\u00e9","c":[1, 2]}""") with { Version = 17, Attempts = 3, Time = _time.GetUtcNow() },
            Letter("key \"with\"\n/ 👍", "{ \"pretty\" :\r\n 1 }"),
            Letter("gone", "") with { Operation = RecordOperation.Delete },
            Letter("", "1,2,3\n") with { Malformed = true, Document = "1,2,3\n"u8.ToArray() },
            Letter("", "") with { Malformed = true, Document = new byte[] { 0xFF, 0x00, 0x41, 0xC3 } },
        ];
        await using (var file = await DeadLetterFile.OpenAsync(Path, _time, Ct)) await file.AppendAsync(letters, Ct);
        var read = await ReadAsync();
        Assert.Equal(letters.Length, read.Count);
        foreach (var (expected, actual) in letters.Zip(read))
        {
            Assert.Equal(expected with { Id = "", Key = default, Document = default }, actual with { Id = "", Key = default, Document = default });
            Assert.Equal(expected.Key.ToArray(), actual.Key.ToArray());
            Assert.Equal(expected.Id, actual.Id);
            if (expected.Malformed || expected.Document.IsEmpty) Assert.Equal(expected.Document.ToArray(), actual.Document.ToArray());
            else Assert.True(JsonContent.Equal(Text(expected.Document), Text(actual.Document)));
        }
    }

    [Fact]
    public async Task A_document_keeps_its_bytes_but_for_line_breaks_between_tokens()
    {
        await using (var file = await DeadLetterFile.OpenAsync(Path, _time, Ct))
        {
            await file.AppendAsync([Letter("a", """{"x":1.0,"x":1e400,"\u0041":"\/"}"""), Letter("b", "{\"x\"\r\n:\n1}")], Ct);
        }

        Assert.Equal(2, (await File.ReadAllLinesAsync(Path, Ct)).Length);
        var read = await ReadAsync();
        Assert.Equal(("""{"x":1.0,"x":1e400,"\u0041":"\/"}""", "{\"x\"  : 1}"), (Text(read[0].Document), Text(read[1].Document)));
    }

    [Theory]
    [InlineData(70)]
    [InlineData(DocumentJson.MaxDepth)]
    public async Task A_document_may_be_as_deep_as_any_and_stand_anywhere(int depth)
    {
        var deep = $"{string.Concat(Enumerable.Repeat("{\"d\":", depth - 1))}{{}}{new string('}', depth - 1)}";
        await using (var file = await DeadLetterFile.OpenAsync(Path, _time, Ct)) await file.AppendAsync([Letter("a", deep), Letter("b", "{}"), Letter("c", deep)], Ct);
        Assert.Equal([deep, "{}", deep], (await ReadAsync()).Select(l => Text(l.Document)));
        await using var again = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        Assert.Equal(3, again.OpenCount);
    }

    [Fact]
    public async Task A_letter_that_was_read_is_settled_by_its_name_though_its_document_had_line_breaks()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await file.AppendAsync([Letter("a", "{\r\n}"), Letter("b", "{}")], Ct);
        var ids = (await ReadAsync()).Select(l => l.Id).ToArray();
        Assert.Equal(2, await file.SettleAsync([.. ids, "unknown"], "dropped", Ct));
        Assert.Empty(await ReadAsync());
        Assert.Equal(0, await file.SettleAsync(ids, "dropped", Ct));
    }

    [Fact]
    public async Task A_file_of_an_earlier_run_is_opened_again()
    {
        await using (var first = await DeadLetterFile.OpenAsync(Path, _time, Ct)) await first.AppendAsync([Letter("a", "{}")], Ct);
        await using (var second = await DeadLetterFile.OpenAsync(Path, _time, Ct))
        {
            Assert.Equal(1, second.OpenCount);
            await second.AppendAsync([Letter("a", "{}"), Letter("b", "{}")], Ct);
        }

        Assert.Equal(["a", "b"], (await ReadAsync()).Select(l => Text(l.Key)));
    }

    [Fact]
    public async Task The_same_letter_is_not_written_twice()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await file.AppendAsync([Letter("a", "{}"), Letter("a", "{}")], Ct);
        await file.AppendAsync([Letter("a", "{}") with { Attempts = 9 }], Ct);
        Assert.Single(await File.ReadAllLinesAsync(Path, Ct));
    }

    [Fact]
    public async Task A_key_has_one_open_letter_the_newest_and_none_once_it_is_written()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await file.AppendAsync([Letter("a", """{"v":1}"""), Letter("b", "{}")], Ct);
        await file.AppendAsync([Letter("a", """{"v":2}""")], Ct);
        Assert.Equal(["{}", """{"v":2}"""], (await ReadAsync()).Select(l => Text(l.Document)));
        Assert.True(file.HasOpen("a"u8));
        await file.SettleKeyAsync("a"u8.ToArray(), "superseded", Ct);
        Assert.False(file.HasOpen("a"u8));
        await file.SettleKeyAsync("never"u8.ToArray(), "superseded", Ct);
        Assert.Equal(["b"], (await ReadAsync()).Select(l => Text(l.Key)));
        Assert.Equal(1, file.OpenCount);
    }

    [Fact]
    public async Task A_letter_that_was_settled_may_be_set_aside_again()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        var letter = Letter("a", "{}");
        await file.AppendAsync([letter], Ct);
        await file.SettleAsync([letter.Id, "unknown"], "dropped", Ct);
        Assert.Empty(await ReadAsync());
        await file.AppendAsync([letter], Ct);
        Assert.Single(await ReadAsync());
    }

    [Fact]
    public async Task A_malformed_letter_is_not_settled_by_records_of_the_run_that_met_it()
    {
        var malformed = Letter("a", "a,b,c") with { Malformed = true };
        await using (var first = await DeadLetterFile.OpenAsync(Path, _time, Ct))
        {
            await first.AppendAsync([malformed], Ct);
            await first.SettleKeyAsync("a"u8.ToArray(), "superseded", Ct);
            await first.AppendAsync([Letter("a", "{}")], Ct);
            Assert.Equal(2, (await ReadAsync()).Count);
        }

        // Met again by the next run, as after a kill: the same.
        await using (var second = await DeadLetterFile.OpenAsync(Path, _time, Ct))
        {
            await second.AppendAsync([malformed], Ct);
            await second.SettleKeyAsync("a"u8.ToArray(), "superseded", Ct);
        }

        Assert.True(Assert.Single(await ReadAsync()).Malformed);

        // A run that does not meet it has read the mended record.
        await using var third = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        Assert.True(third.HasOpen("a"u8));
        await third.SettleKeyAsync("a"u8.ToArray(), "superseded", Ct);
        Assert.Empty(await ReadAsync());
    }

    [Fact]
    public async Task A_malformed_and_a_refused_letter_of_one_key_are_both_settled_by_a_later_run()
    {
        await using (var first = await DeadLetterFile.OpenAsync(Path, _time, Ct))
        {
            await first.AppendAsync([Letter("a", "{}"), Letter("a", "a,b") with { Malformed = true }], Ct);
        }

        await using var second = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await second.SettleKeyAsync("a"u8.ToArray(), "superseded", Ct);
        Assert.Empty(await ReadAsync());
    }

    [Fact]
    public async Task A_last_line_that_was_torn_is_forgotten_wherever_it_was_cut()
    {
        await using (var file = await DeadLetterFile.OpenAsync(Path, _time, Ct)) await file.AppendAsync([Letter("a", "{}"), Letter("b", """{"v":"ü"}""")], Ct);
        var whole = await File.ReadAllBytesAsync(Path, Ct);
        var first = Array.IndexOf(whole, (byte)'\n') + 1;
        for (var length = 0; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Path, whole[..length], Ct);
            await using (var file = await DeadLetterFile.OpenAsync(Path, _time, Ct))
            {
                Assert.Equal(length >= first ? 1 : 0, file.OpenCount);
                await file.AppendAsync([Letter("c", "{}")], Ct);
            }

            Assert.Equal(length >= first ? ["a", "c"] : ["c"], (await ReadAsync()).Select(l => Text(l.Key)));
        }
    }

    [Fact]
    public async Task A_reader_without_the_lock_passes_over_a_line_that_is_being_written()
    {
        await using (var file = await DeadLetterFile.OpenAsync(Path, _time, Ct)) await file.AppendAsync([Letter("a", "{}"), Letter("b", "{}")], Ct);
        var whole = await File.ReadAllBytesAsync(Path, Ct);
        await File.WriteAllBytesAsync(Path, whole[..^10], Ct);
        Assert.Equal(["a"], (await ReadAsync()).Select(l => Text(l.Key)));
    }

    [Fact]
    public async Task A_file_that_holds_something_else_is_refused()
    {
        foreach (var content in (string[])["hello\nworld\n", "{\"id\":1}\n{}\n", "[]\n[]\n", "{\"id\":\"x\",\"job\":\"j\"}\n{}\n", "{\"id\":\"x\",\"job\":\"j\"}\n"])
        {
            await File.WriteAllTextAsync(Path, content, Ct);
            var refused = await Assert.ThrowsAsync<PipelineException>(() => DeadLetterFile.OpenAsync(Path, _time, Ct));
            Assert.Equal("dead_letters.damaged", refused.Code);
            Assert.Contains("Line 1", refused.Message, StringComparison.Ordinal);
            Assert.Equal(refused.Message, (await Assert.ThrowsAsync<PipelineException>(ReadAsync)).Message);
        }
    }

    [Fact]
    public async Task A_full_disk_is_told_and_nothing_is_lost_or_doubled_once_there_is_room()
    {
        using var disk = SmallDisk.Mount(64 * 1024);
        var path = disk.File("letters.jsonl");
        await using var file = await DeadLetterFile.OpenAsync(path, _time, Ct);
        await file.AppendAsync([Letter("a", "{}")], Ct);
        await disk.FillAsync(Ct);
        var large = Corpus.OfBytes("b", 20_000);
        var full = await Assert.ThrowsAsync<PipelineException>(() => file.AppendAsync([Letter(large.Key, large.Json)], Ct));
        Assert.Equal(("dead_letters.unusable", FailureKind.Environment), (full.Code, full.Kind));
        disk.Empty();
        await file.AppendAsync([Letter(large.Key, large.Json)], Ct);
        await file.AppendAsync([Letter("c", "{}")], Ct);
        var read = new List<string>();
        await foreach (var letter in DeadLetterFile.ReadAsync(path, Ct)) read.Add(Text(letter.Key));
        Assert.Equal(["a", "b", "c"], read);
    }

    [Fact]
    public async Task The_file_is_for_this_user_alone_and_made_with_the_first_letter()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        Assert.False(File.Exists(Path));
        await file.AppendAsync([Letter("a", "{}")], Ct);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public async Task Many_threads_may_append_at_once()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async t =>
        {
            await Task.Yield();
            for (var i = 0; i < 10; i++) await file.AppendAsync([Letter($"{t}-{i}", "{}")], Ct);
        }));
        Assert.Equal(160, (await ReadAsync()).Select(l => Text(l.Key)).Distinct().Count());
    }

    [Fact]
    public void A_letter_is_named_by_what_it_is_and_not_by_when()
    {
        var letter = Letter("a", "{}");
        Assert.Equal(32, letter.Id.Length);
        Assert.Equal(letter.Id, (letter with { Attempts = 9, Time = _time.GetUtcNow(), Place = "elsewhere", Position = "later", Reason = "other words" }).Id);
        DeadLetter[] others =
        [
            letter with { Key = "b"u8.ToArray() }, letter with { Document = "{ }"u8.ToArray() }, letter with { Partition = "q" },
            letter with { Code = "other" }, letter with { Operation = RecordOperation.Delete }, letter with { Key = "a{"u8.ToArray(), Document = "}"u8.ToArray() },
        ];
        Assert.Equal(others.Length + 1, others.Append(letter).Select(l => l.Id).Distinct().Count());
        var keyless = letter with { Key = default };
        Assert.NotEqual(keyless.Id, (keyless with { Place = "elsewhere" }).Id);
    }

    private static DeadLetter Letter(string key, string document) => new()
    {
        Job = "job",
        Partition = "p",
        Position = "t1:5",
        Place = "item 4",
        Key = Encoding.UTF8.GetBytes(key),
        Document = Encoding.UTF8.GetBytes(document),
        Code = "test.refused",
        Reason = "It \"was\" refused.",
    };

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private async Task<List<DeadLetter>> ReadAsync()
    {
        var letters = new List<DeadLetter>();
        await foreach (var letter in DeadLetterFile.ReadAsync(Path, Ct)) letters.Add(letter);
        return letters;
    }
}
