using EsPipeline.Core.Verification;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Cli.Tests.Verify;

/// <summary>What is told while <c>espipe verify</c> goes on.</summary>
public sealed class VerifyProgressTests
{
    [Fact]
    public void It_tells_what_was_read_of_each_end_and_how_fast()
    {
        var description = new VerifyDescription(20);
        var (done, first) = description.Describe(new VerifyProgress(1, 12_345, 6_789, 0, null, TimeSpan.FromSeconds(3)));
        Assert.Matches(@"^comparing  source 12,345 records  [1-9][\d,]*/s  sink 6,789 documents  [1-9][\d,]*/s  sink down for 3 s$", first);
        Assert.True(description.Describe(new VerifyProgress(1, 12_345, 6_790, 0, null, null)).Done > done);

        // The next look counts from the beginning, and so does its rate.
        Assert.Equal(
            "comparing again (2)  source 10 records  0/s  sink 0 documents  0/s  mended 4",
            description.Describe(new VerifyProgress(2, 10, 0, 4, null, null)).Text);
    }

    [Fact]
    public async Task A_terminal_shows_it_for_as_long_as_it_goes_on()
    {
        await using var error = new StringWriter();
        var (asked, work) = (0, new TaskCompletionSource<int>());
        (long Done, string Text) Describe()
        {
            if (++asked == 3) work.SetResult(7);
            return (asked, $"comparing {asked}");
        }

        var terminal = new Terminal(TextWriter.Null, error, isInteractive: true);
        Assert.Equal(7, await new ProgressLine(Describe, terminal, NullLogger.Instance, live: true).WhileAsync(work.Task));
        Assert.StartsWith("comparing 1\r\e[Kcomparing 2", error.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\r\e[K", error.ToString(), StringComparison.Ordinal);
    }
}
