using System.Collections.Concurrent;
using System.Text;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Firestore;

public sealed class FirestoreRestartTests : IDisposable
{
    private const int Count = 20_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("espipe-restart-").FullName;

    [Fact]
    public async Task A_run_waits_for_a_server_that_is_killed_and_goes_on_when_it_is_back()
    {
        var ct = TestContext.Current.CancellationToken;
        var port = Conformance.ServerPort.Find();
        var emulator = await FirestoreEmulator.StartAsync(port, ct);
        try
        {
            var database = new FirestoreDatabase(emulator.Host!, "restarted", "things");
            var file = Path.Combine(_folder, "in.jsonl");
            await File.WriteAllLinesAsync(file, Enumerable.Range(0, Count).Select(i => $$"""{"id":"k{{i}}","n":{{i}}}"""), ct);

            var sink = new WatchedSink(await database.OpenSinkAsync(), Count / 4);
            await using var source = new JsonLinesSource(new JsonLinesOptions { Files = [file] }, TimeProvider.System);
            var run = new Pipeline(new PipelineSetup
            {
                Job = "restart",
                Mode = PipelineMode.FullSync,
                From = ("jsonl", source),
                To = ("firestore", sink),
                State = new FileStateStore(Path.Combine(_folder, "state"), TimeProvider.System),
                Retry = new RetryOptions(100, TimeSpan.FromMilliseconds(200), TimeSpan.FromMinutes(5), Forever: false),
                Log = NullLogger.Instance,
            }).RunAsync(ct);

            await sink.Reached.WaitAsync(Conformance.Eventually.Longest, ct);
            await emulator.KillAsync();
            sink.Ended();
            await sink.Failed.WaitAsync(Conformance.Eventually.Longest, ct);
            await emulator.DisposeAsync();
            emulator = await FirestoreEmulator.StartAsync(port, ct);
            var result = await run;
            Assert.Equal((RunOutcome.Done, null), (result.Outcome, result.Error));
            Assert.Equal((Count, Count), (result.Account.Read, result.Account.Written));
            Assert.True(result.Account.Retries > 0);

            // The emulator forgets everything when it dies: what was written after that has to be there, and nothing may be in neither.
            var stored = (await database.AllAsync()).Keys.ToHashSet();
            Assert.Subset(stored, sink.Late);
            Assert.Equal(Count, stored.Union(sink.Early).Count());
            Assert.NotEmpty(sink.Late);
            await database.DisposeAsync();
            await sink.DisposeAsync();
        }
        finally
        {
            await emulator.DisposeAsync();
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// Notes which keys were written by calls that began before the server died, and which by later ones. Once enough are written, further
    /// calls wait for the server's end: however late that comes, the run is at work.
    /// </summary>
    private sealed class WatchedSink(FirestoreSink sink, int enough) : IDataSink
    {
        private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ConcurrentDictionary<string, bool> _late = new();
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SinkLimits Limits => sink.Limits;

        /// <summary>Completed by the first write that fails after the server died.</summary>
        public Task Failed => _failed.Task;

        public HashSet<string> Late => [.. _late.Where(k => k.Value).Select(k => k.Key)];

        public HashSet<string> Early => [.. _late.Where(k => !k.Value).Select(k => k.Key)];

        /// <summary>Completed when enough are written.</summary>
        public Task Reached => _reached.Task;

        /// <summary>To be called when the server has ended.</summary>
        public void Ended() => _ended.SetResult();

        public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => sink.CheckAsync(ct);

        public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => sink.PrepareAsync(schema, ct);

        public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
        {
            if (_late.Count >= enough)
            {
                _reached.TrySetResult();
                await _ended.Task.WaitAsync(ct);
            }

            var late = _ended.Task.IsCompleted;
            WriteResult result;
            try
            {
                result = await sink.WriteAsync(slice, ct);
            }
            catch
            {
                if (late) _failed.TrySetResult();
                throw;
            }

            var failed = result.Failures.Select(f => f.Index).ToHashSet();
            for (var i = 0; i < slice.Count; i++)
            {
                if (!failed.Contains(i)) _late[Encoding.UTF8.GetString(slice[i].Key.Span)] = late;
            }

            return result;
        }

        public ValueTask DisposeAsync() => sink.DisposeAsync();
    }
}
