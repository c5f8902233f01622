using System.Globalization;

namespace EsPipeline.Chaos;

/// <summary>The chance in these tests: the same in every run, unless the environment says otherwise.</summary>
internal static class Draws
{
    /// <summary>What the moments are drawn from: <c>ESPIPE_TEST_SEED</c>.</summary>
    public static int Seed { get; } = Number("ESPIPE_TEST_SEED", 1);

    /// <summary>How often espipe is killed for a leg: <c>ESPIPE_TEST_KILLS</c>.</summary>
    /// <param name="otherwise">How often where that is not said.</param>
    public static int Kills(int otherwise) => Number("ESPIPE_TEST_KILLS", otherwise);

    /// <summary>How long a load lasts: <c>ESPIPE_TEST_LOAD_SECONDS</c>.</summary>
    public static TimeSpan LoadTime { get; } = TimeSpan.FromSeconds(Number("ESPIPE_TEST_LOAD_SECONDS", 15));

    /// <summary>How many documents are copied from Elasticsearch to MariaDB: <c>ESPIPE_TEST_DOCUMENTS</c>.</summary>
    public static int Documents { get; } = Number("ESPIPE_TEST_DOCUMENTS", 20_000);

    private static int Number(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
