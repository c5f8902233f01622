using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Cli.Tests;

/// <summary>What <c>--mode health-check</c> says of ends that don't answer, and that it says it within the 10 s that it promises.</summary>
public sealed class HealthCheckTests : IDisposable
{
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(10);

    // Of the process, on a machine that is busy with other tests.
    private static readonly TimeSpan Starting = TimeSpan.FromSeconds(10);

    private readonly EspipeFolder _folder = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Hosts_that_swallow_everything_are_told_within_10_seconds(bool takesConnections)
    {
        using var search = new BlackHole(takesConnections);
        using var firestore = new BlackHole(takesConnections);
        _folder.Environment["FIRESTORE_EMULATOR_HOST"] = $"127.0.0.1:{firestore.Port}";
        using var check = _folder.Start(
            "--mode", "health-check", "--es-url", $"http://127.0.0.1:{search.Port}", "--es-index", "things", "--firestore-project", "demo", "--firestore-collection", "things");
        check.Input.Close();
        Assert.True(await check.EndsWithinAsync(Promised + Starting), $"The check was still waiting after {(Promised + Starting).TotalSeconds} s:\n{check.ErrorSoFar}");
        var run = (await check.EndAsync()).Ended(1);
        Assert.Contains(run.Output.Split('\n'), line => line.StartsWith("source elasticsearch: ", StringComparison.Ordinal) && Tells(line, search.Port));
        Assert.Contains(run.Output.Split('\n'), line => line.StartsWith("sink firestore: ", StringComparison.Ordinal) && Tells(line, firestore.Port));
        Assert.Contains("state: state folder ", run.Output, StringComparison.Ordinal);

        static bool Tells(string line, int port) =>
            line.Contains("no answer within", StringComparison.Ordinal) || line.Contains($"127.0.0.1:{port}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_at_which_nothing_listens_is_one_sentence_for_each_end()
    {
        _folder.Environment["FIRESTORE_EMULATOR_HOST"] = "127.0.0.1:1";
        var run = (await _folder.RunAsync(
            "--mode", "health-check", "--es-url", "http://127.0.0.1:1", "--es-index", "things", "--firestore-project", "demo", "--firestore-collection", "things")).Ended(1);
        Assert.Contains("(elasticsearch.unreachable)", run.Output, StringComparison.Ordinal);
        Assert.Contains("Connection refused. Check", run.Output, StringComparison.Ordinal);
        Assert.Contains("(firestore.connection)", run.Output, StringComparison.Ordinal);
        Assert.Contains("state: state folder ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_with_a_sink_of_the_sources_system_is_told_in_the_names_of_the_sinks_options()
    {
        foreach (var prefix in (string[])["", "SINK_"])
        {
            _folder.Environment[prefix + "FIREBASE_PROJECT_ID"] = "demo";
            _folder.Environment[prefix + "FIREBASE_COLLECTION"] = "things";
            _folder.Environment[prefix + "ES_INDEX"] = "things";
            _folder.Environment[prefix + "ES_HOST_URL"] = "http://127.0.0.1:1";
        }

        _folder.Environment["FIRESTORE_EMULATOR_HOST"] = "127.0.0.1:1";
        _folder.Environment["SINK_FIRESTORE_EMULATOR_HOST"] = "none";
        var firestore = (await _folder.RunAsync("--source", "firestore", "--sink", "firestore", "--mode", "health-check")).Ended(1);
        Assert.Contains("or SINK_GOOGLE_APPLICATION_CREDENTIALS, or SINK_FIRESTORE_EMULATOR_HOST", firestore.Output, StringComparison.Ordinal);

        var search = (await _folder.RunAsync("--source", "elasticsearch", "--sink", "elasticsearch", "--mode", "health-check", "--simple-errors")).Ended(1);
        Assert.Contains("Check --es-url,", search.Output, StringComparison.Ordinal);
        Assert.Contains("Check --sink-es-url,", search.Output, StringComparison.Ordinal);
        foreach (var prefix in (string[])["", "SINK_"]) Assert.Contains($"curl -sS {_folder.Environment[prefix + "ES_HOST_URL"]}", search.Said, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A port that never answers: connections are taken by the system and nobody reads, or its queue is full and none is made.</summary>
    private sealed class BlackHole : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _queued = [];

        public BlackHole(bool takesConnections)
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(takesConnections ? 100 : 0);
            if (takesConnections) return;
            for (var i = 0; i < 4; i++)
            {
                var queued = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _queued.Add(queued);
                try
                {
                    queued.Connect(_listener.LocalEndPoint!);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                    // It waits in the queue, as everyone after it.
                }
            }
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public void Dispose()
        {
            foreach (var queued in _queued) queued.Dispose();
            _listener.Dispose();
        }
    }
}
