using Xunit;

namespace EsPipeline.Conformance;

/// <summary>Checks that a cancelled call lets go.</summary>
public static class Cancellation
{
    /// <summary>How soon a cancelled call has to return, in time that this process was let run in.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>Runs a call that is cancelled within itself or from outside, and checks that it then ends as cancelled, in time.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancel">What is cancelled.</param>
    public static async Task EndsInTimeAsync(Func<CancellationToken, Task> call, CancellationTokenSource cancel)
    {
        // The call may return within the cancelling itself, before what was registered earlier is told of it.
        var noted = new TaskCompletionSource<AwakeTime>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var noting = cancel.Token.Register(() => noted.TrySetResult(AwakeTime.Start()));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call(cancel.Token));
        Assert.True(cancel.IsCancellationRequested, "It ended before it was cancelled.");
        var took = (await noted.Task).Elapsed;
        Assert.True(took <= Longest, $"It took {took.TotalSeconds:0.0} s to return after it was cancelled.");
    }
}
