using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>
/// The Firestore emulator: the one at <c>ESPIPE_TEST_FIRESTORE_HOST</c>, or one that is started for these tests and stopped after them. Each
/// test has a project of its own in it.
/// </summary>
public sealed class FirestoreEmulator : IAsyncLifetime
{
    private const string Jar = "/usr/lib/google-cloud-sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar";

    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(3);

    private Process? _process;

    /// <summary>Its host and port; null where there is none.</summary>
    public string? Host { get; private set; }

    /// <summary>Starts another emulator, for a test that stops it.</summary>
    public static async Task<FirestoreEmulator> StartAsync(int port, CancellationToken ct)
    {
        Need(File.Exists(Jar));
        var emulator = new FirestoreEmulator { Host = $"127.0.0.1:{port}" };
        var start = new ProcessStartInfo("java")
        {
            ArgumentList =
            {
                "-Duser.language=en", "-cp", Jar, "com.google.cloud.datastore.emulator.firestore.CloudFirestore", "start", "--host=127.0.0.1", $"--port={port}",
            },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        emulator._process = Process.Start(start)!;
        emulator._process.OutputDataReceived += (_, _) => { };
        emulator._process.ErrorDataReceived += (_, _) => { };
        emulator._process.BeginOutputReadLine();
        emulator._process.BeginErrorReadLine();
        try
        {
            await emulator.ReadyAsync(ct);
            return emulator;
        }
        catch
        {
            await emulator.DisposeAsync();
            throw;
        }
    }

    /// <summary>A fresh database of its own project, for one test.</summary>
    public FirestoreDatabase NewDatabase(string collection = "things")
    {
        Need(Host is not null);
        return new FirestoreDatabase(Host!, $"test-{Guid.NewGuid():N}"[..30], collection);
    }

    /// <summary>A fresh database with documents that bear their number, of fewer than a hundred two digits in their names.</summary>
    internal async Task<FirestoreDatabase> FilledAsync(int count)
    {
        var database = NewDatabase();
        await database.PutAsync(Enumerable.Range(0, count).Select(i => ($"k{i:00}", $$"""{"n":{"integerValue":"{{i}}"} }""")));
        return database;
    }

    /// <summary>The documents of <see cref="FilledAsync"/> as they are read.</summary>
    internal static Dictionary<string, string> Numbered(int count) => Enumerable.Range(0, count).ToDictionary(i => $"k{i:00}", i => $$"""{"n":{{i}}}""");

    /// <summary>Ends the process at once, as a crash would.</summary>
    public async Task KillAsync()
    {
        _process!.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask InitializeAsync()
    {
        Host = Environment.GetEnvironmentVariable("ESPIPE_TEST_FIRESTORE_HOST");
        if (Host is not null || !File.Exists(Jar)) return;
        var started = await StartAsync(Conformance.ServerPort.Find(), CancellationToken.None);
        (Host, _process) = (started.Host, started._process);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null) return;
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
        _process = null;
    }

    private static void Need(bool there)
    {
        if (there) return;
        const string Reason = "There is no Firestore emulator: ESPIPE_TEST_FIRESTORE_HOST is not set and it is not installed.";
        if (Environment.GetEnvironmentVariable("ESPIPE_TEST_REQUIRE") == "all") Assert.Fail(Reason);
        Assert.Skip(Reason);
    }

    // It answers '/' before it answers for documents.
    private async Task ReadyAsync(CancellationToken ct)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "owner");
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < LongestStart)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"http://{Host}/v1/projects/p/databases/(default)/documents/a/b"), ct);
                if (answer.StatusCode == HttpStatusCode.NotFound) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
        }

        Assert.Fail($"The emulator at {Host} did not answer within {LongestStart.TotalSeconds} s.");
    }
}

/// <summary>All tests that share the emulator.</summary>
[CollectionDefinition(Name)]
public sealed class FirestoreCollectionDefinition : ICollectionFixture<FirestoreEmulator>
{
    public const string Name = "Firestore";
}
