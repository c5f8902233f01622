using System.Text;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Tests.DeadLetters;

/// <summary>A file that somebody takes away while a run has it open: its letters are gone, and no later one may be.</summary>
public sealed class RemovedDeadLetterFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();

    /// <summary>How a file is taken away.</summary>
    public enum Way
    {
        Removed,
        Renamed,
        Cut,
        Replaced,
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Path => _folder.File("dead-letters.jsonl");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Way.Removed)]
    [InlineData(Way.Renamed)]
    [InlineData(Way.Cut)]
    [InlineData(Way.Replaced)]
    public async Task A_record_that_is_met_again_is_set_aside_again_and_so_is_every_later_one(Way way)
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await file.AppendAsync([Letter("a"), Letter("b")], Ct);
        await TakeAsync(way);
        await file.AppendAsync([Letter("a")], Ct);
        Assert.Equal(["a"], await KeysAsync());
        Assert.Equal(1, file.OpenCount);
        await TakeAsync(way);
        await file.AppendAsync([Letter("c"), Letter("a")], Ct);
        await file.AppendAsync([Letter("d")], Ct);
        await file.SettleKeyAsync("c"u8.ToArray(), "superseded", Ct);
        Assert.Equal(["a", "d"], await KeysAsync());
        Assert.DoesNotContain('\0', await File.ReadAllTextAsync(Path, Ct));
    }

    [Theory]
    [InlineData(Way.Removed)]
    [InlineData(Way.Renamed)]
    [InlineData(Way.Cut)]
    public async Task The_letters_of_an_earlier_run_are_gone_with_the_file_before_this_one_has_written_any(Way way)
    {
        await using (var first = await DeadLetterFile.OpenAsync(Path, _time, Ct)) await first.AppendAsync([Letter("a")], Ct);
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await TakeAsync(way);
        await file.AppendAsync([Letter("a")], Ct);
        Assert.Equal(["a"], await KeysAsync());
    }

    [Fact]
    public async Task A_file_that_was_put_back_is_read_again()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await file.AppendAsync([Letter("a")], Ct);
        await TakeAsync(Way.Renamed);
        await file.SettleKeyAsync("a"u8.ToArray(), "superseded", Ct);
        File.Move(Path + ".old", Path);
        await file.AppendAsync([Letter("a"), Letter("b")], Ct);
        Assert.Equal(["a", "b"], await KeysAsync());
        Assert.Equal(2, (await File.ReadAllLinesAsync(Path, Ct)).Length);
    }

    [Fact]
    public async Task One_that_holds_something_else_now_is_refused_as_long_as_it_is_there()
    {
        await using var file = await DeadLetterFile.OpenAsync(Path, _time, Ct);
        await file.AppendAsync([Letter("a")], Ct);
        await File.WriteAllTextAsync(Path, "hello\n", Ct);
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("dead_letters.damaged", (await Assert.ThrowsAsync<PipelineException>(() => file.AppendAsync([Letter("a")], Ct))).Code);
        }

        File.Delete(Path);
        await file.AppendAsync([Letter("a")], Ct);
        Assert.Equal(["a"], await KeysAsync());
    }

    private static DeadLetter Letter(string key) => new()
    {
        Job = "job",
        Partition = "p",
        Position = "t1:5",
        Place = "item 4",
        Key = Encoding.UTF8.GetBytes(key),
        Document = "{}"u8.ToArray(),
        Code = "test.refused",
        Reason = "It was refused.",
    };

    private async Task TakeAsync(Way way)
    {
        switch (way)
        {
            case Way.Removed:
                File.Delete(Path);
                break;
            case Way.Renamed:
                File.Move(Path, Path + ".old", overwrite: true);
                break;
            case Way.Cut:
                await using (var file = new FileStream(Path, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite))
                {
                }

                break;
            default:
                await File.WriteAllTextAsync(Path + ".new", "", Ct);
                File.Move(Path + ".new", Path, overwrite: true);
                break;
        }
    }

    private async Task<List<string>> KeysAsync()
    {
        var keys = new List<string>();
        await foreach (var letter in DeadLetterFile.ReadAsync(Path, Ct)) keys.Add(Encoding.UTF8.GetString(letter.Key.Span));
        return keys;
    }
}
