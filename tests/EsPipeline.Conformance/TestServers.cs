using Xunit;

namespace EsPipeline.Conformance;

/// <summary>
/// The addresses of the real servers, which <c>tests/run</c> and <c>tests/services</c> put into the environment. A test whose server is not
/// there is skipped and says why; with <c>ESPIPE_TEST_REQUIRE=all</c> it fails instead.
/// </summary>
public static class TestServers
{
    /// <summary>Elasticsearch without security: <c>http://127.0.0.1:9200</c>.</summary>
    public static Uri Elasticsearch => new(Address("ESPIPE_TEST_ELASTICSEARCH_URL", "Elasticsearch"));

    /// <summary>OpenSearch without security.</summary>
    public static Uri OpenSearch => new(Address("ESPIPE_TEST_OPENSEARCH_URL", "OpenSearch"));

    /// <summary>The Firestore emulator: <c>127.0.0.1:8085</c>.</summary>
    public static string Firestore => Address("ESPIPE_TEST_FIRESTORE_HOST", "the Firestore emulator");

    /// <summary>An S3 server that takes any credentials.</summary>
    public static Uri S3 => new(Address("ESPIPE_TEST_S3_URL", "an S3 server"));

    /// <summary>Where nothing may be left out.</summary>
    public static bool RequireAll => Environment.GetEnvironmentVariable("ESPIPE_TEST_REQUIRE") == "all";

    /// <summary>An address from the environment. Call it within a test: it ends the test where there is none.</summary>
    /// <param name="name">The environment name.</param>
    /// <param name="system">What to call the system.</param>
    public static string Address(string name, string system) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } address ? address : LeaveOut(name, system);

    /// <summary>Skips the test that can't be run here, or fails it where nothing may be left out.</summary>
    /// <param name="condition">True where it can be run.</param>
    /// <param name="reason">Why it can't.</param>
    public static void Need(bool condition, string reason)
    {
        if (condition) return;
        if (RequireAll) Assert.Fail($"{reason} ESPIPE_TEST_REQUIRE=all allows no test to be left out.");
        Assert.Skip(reason);
    }

    private static string LeaveOut(string name, string system)
    {
        Need(false, $"There is no {system}: {name} is not set (tests/services start sets it).");
        throw new InvalidOperationException("Assert.Skip has returned.");
    }
}
