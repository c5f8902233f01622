using Xunit;

namespace EsPipeline.Conformance;

/// <summary>Checks that a cancelled call lets go.</summary>
public static class Cancellation
{
    /// <summary>How soon a cancelled call has to return.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    /// <summary>Runs a call that is cancelled within itself or from outside, and checks that it then ends as cancelled, in time.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancel">What is cancelled.</param>
    public static async Task EndsInTimeAsync(Func<CancellationToken, Task> call, CancellationTokenSource cancel)
    {
        long at = 0;
        await using var noting = cancel.Token.Register(() => at = TimeProvider.System.GetTimestamp());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call(cancel.Token));
        Assert.NotEqual(0, at);
        var took = TimeProvider.System.GetElapsedTime(at);
        Assert.True(took <= Longest, $"It took {took.TotalSeconds:0.0} s to return after it was cancelled.");
    }
}
