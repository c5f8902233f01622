namespace EsPipeline.Chaos;

/// <summary>What a run says of an end that goes and comes back.</summary>
internal static class Outages
{
    /// <summary>Checks that each time an end went, and each time it was back, was told by one line.</summary>
    public static void AreToldOnce(string error, string end)
    {
        var told = error.Split('\n').Where(l => l.Contains($"The {end} is ", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(told);
        Assert.Equal(0, told.Length % 2);
        Assert.All(told.Index(), l => Assert.Contains($"The {end} is {(l.Index % 2 == 0 ? "down: " : "back after ")}", l.Item, StringComparison.Ordinal));
    }
}
