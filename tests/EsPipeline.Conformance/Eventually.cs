using Xunit;

namespace EsPipeline.Conformance;

/// <summary>Waits for what comes by itself, with an end to it: a test that hangs tells nothing.</summary>
public static class Eventually
{
    /// <summary>How long is waited at most: longer than anything takes on a machine that is busy with other things.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>Asks until it is so.</summary>
    /// <param name="condition">Whether it is.</param>
    /// <param name="what">What is waited for, as a sentence has it: <c>the server has removed the log</c>.</param>
    public static async Task IsAsync(Func<Task<bool>> condition, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Longest, $"It was waited for {Longest.TotalMinutes} minutes until {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        }
    }
}
