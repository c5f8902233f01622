using System.Text;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Tests.DeadLetters;

/// <summary>A file of dead letters that several jobs were given.</summary>
public sealed class SharedDeadLetterFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_job_sees_its_own_letters_only_and_they_have_it_one_after_the_other()
    {
        var path = _folder.File("all.jsonl");
        await using (var first = await DeadLetterFile.OpenAsync(path, _time, Ct, "first"))
        {
            await first.AppendAsync([Letter("first")], Ct);
            var refused = await Assert.ThrowsAsync<PipelineException>(() => DeadLetterFile.OpenAsync(path, _time, Ct, "second"));
            Assert.Equal(DeadLetterErrors.Unusable, refused.Error);
            Assert.Contains("in use by another job", refused.Message, StringComparison.Ordinal);
        }

        await using (var second = await DeadLetterFile.OpenAsync(path, _time, Ct, "second"))
        {
            Assert.Equal((0, false), (second.OpenCount, second.HasOpen("a"u8)));
            await second.AppendAsync([Letter("second")], Ct);
            await second.SettleKeyAsync("a"u8.ToArray(), "superseded", Ct);
        }

        Assert.Equal((1, 0), (await OpenAsync(path, "first"), await OpenAsync(path, "second")));
    }

    private static DeadLetter Letter(string job) => new()
    {
        Job = job,
        Partition = "p",
        Position = "t1:5",
        Place = "item 4",
        Key = Encoding.UTF8.GetBytes("a"),
        Document = Encoding.UTF8.GetBytes("{}"),
        Code = "test.refused",
        Reason = "It was refused.",
    };

    private static async Task<int> OpenAsync(string path, string job)
    {
        var count = 0;
        await foreach (var letter in DeadLetterFile.ReadAsync(path, job, Ct)) count++;
        return count;
    }
}
