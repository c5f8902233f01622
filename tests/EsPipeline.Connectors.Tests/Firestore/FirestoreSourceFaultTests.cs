using System.Text.Json.Nodes;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Reading from a Firestore that forgets, breaks off or stays silent.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreSourceFaultTests(FirestoreEmulator emulator)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_time_that_Firestore_has_forgotten_is_given_up_once_and_told()
    {
        await using var database = await emulator.FilledAsync(100);
        var log = new LogLines();
        await using var source = database.OpenSource(10, log: log);
        var past = FirestorePosition.Of(new FirestoreTime(new DateTime(2020, 1, 1, 0, 0, 1, DateTimeKind.Utc).Ticks, IsCut: false), null, null).After("k49");
        var reading = await SourceReading.ReadAsync(source, saved: new Dictionary<PartitionId, Position> { [new PartitionId("things#0")] = past.ToPosition() });
        Assert.Equal(FirestoreEmulator.Numbered(100).Where(d => string.CompareOrdinal(d.Key, "k49") > 0).ToDictionary(), reading.Documents);
        Assert.Contains("has forgotten the time", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.All(reading.Batches, b => Assert.StartsWith("fs1:0:", b.End.Value, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("FAILED_PRECONDITION", "The requested snapshot version is too old.")]
    [InlineData("INVALID_ARGUMENT", "read_time is too old")]
    public async Task One_that_it_forgets_in_the_middle_of_an_answer_is_given_up_too(string status, string words)
    {
        await using var database = await emulator.FilledAsync(100);
        var (requests, broken) = (0, 0);
        await using var server = new FakeServer(async request =>
        {
            if (!request.Body.Contains("readTime", StringComparison.Ordinal)) return await FakeServer.PassOnAsync(database.Host, request);
            if (Interlocked.Increment(ref requests) > 2) return new FakeAnswer(400, FirestoreFaultTests.Error(status, words));
            var answer = await FakeServer.PassOnAsync(database.Host, request);
            if (requests < 2) return answer;
            broken++;
            return answer with { Body = answer.Body.TrimEnd()[..^1] + "," + FirestoreFaultTests.Error(status, words) + "]" };
        });
        var log = new LogLines();
        await using var source = database.OpenSource(20, server.Host, log);
        var partition = Assert.Single(await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct));
        var (position, documents) = (partition.Start, new List<string>());
        while (!FirestorePosition.Parse(position).IsDone)
        {
            try
            {
                await foreach (var batch in source.ReadAsync(partition, position, Ct))
                {
                    foreach (ref readonly var record in batch.Records.Span) documents.Add(System.Text.Encoding.UTF8.GetString(record.Key.Span));
                    position = batch.End;
                    batch.Dispose();
                }
            }
            catch (PipelineException e)
            {
                Assert.Equal((FirestoreErrors.Internal, FailureKind.Transient), (e.Error, e.Kind));
                Assert.Contains(words, e.Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal(1, broken);
        Assert.Equal(FirestoreEmulator.Numbered(100).Keys.Order(), documents.Order());
        Assert.Contains("has forgotten the time", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_point_in_time_recovery_the_next_whole_minute_stands_in_for_it()
    {
        await using var database = await emulator.FilledAsync(10);
        var times = new List<string?>();
        await using var server = new FakeServer(async request =>
        {
            // As the service with recovery: of the time before the last hour only whole minutes are known.
            var asked = JsonNode.Parse(request.Body)!["readTime"]?.GetValue<string>();
            times.Add(asked);
            return asked is null || asked.EndsWith(":00Z", StringComparison.Ordinal)
                ? await FakeServer.PassOnAsync(database.Host, request with { Body = request.Body.Replace(",\"readTime\":\"" + asked + "\"", "", StringComparison.Ordinal) })
                : new FakeAnswer(400, FirestoreFaultTests.Error("FAILED_PRECONDITION", "read_time is too old"));
        });
        var log = new LogLines();
        await using var source = database.OpenSource(5, server.Host, log);
        var start = FirestorePosition.Of(new FirestoreTime(new DateTime(2024, 1, 1, 23, 59, 59, DateTimeKind.Utc).Ticks, IsCut: false), null, null).ToPosition();
        var reading = await SourceReading.ReadAsync(source, saved: new Dictionary<PartitionId, Position> { [new PartitionId("things#0")] = start });
        Assert.Equal(10, reading.Documents.Count);
        Assert.Equal(["2024-01-01T23:59:59Z", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z"], times);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_read_on_without_gap_or_repeat()
    {
        await using var database = await emulator.FilledAsync(200);
        var requests = 0;
        await using var server = new FakeServer(async request =>
        {
            var answer = await FakeServer.PassOnAsync(database.Host, request);
            return (Interlocked.Increment(ref requests) % 4) switch
            {
                1 => answer,
                2 => answer with { Body = answer.Body[..(answer.Body.Length * 2 / 3)], CutInBody = true },
                3 => answer with { Body = answer.Body[..(answer.Body.Length / 2)] },
                _ => answer with { Body = answer.Body.TrimEnd()[..^1] + "," + FirestoreFaultTests.Error("UNAVAILABLE", "moved") + "]" },
            };
        });
        await using var source = database.OpenSource(20, server.Host);
        var partition = Assert.Single(await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct));
        var (position, documents, failures) = (partition.Start, new List<string>(), new HashSet<string>());
        while (!FirestorePosition.Parse(position).IsDone)
        {
            try
            {
                await foreach (var batch in source.ReadAsync(partition, position, Ct))
                {
                    foreach (ref readonly var record in batch.Records.Span) documents.Add(System.Text.Encoding.UTF8.GetString(record.Key.Span));
                    position = batch.End;
                    batch.Dispose();
                }
            }
            catch (PipelineException e)
            {
                Assert.Equal(FailureKind.Transient, e.Kind);
                failures.Add(e.Code);
            }
        }

        Assert.Equal(FirestoreEmulator.Numbered(200).Keys.Order(), documents.Order());
        Assert.Equal(["firestore.bad_answer", "firestore.connection", "firestore.unavailable"], failures.Order());
    }

    [Fact]
    public async Task A_value_of_an_unknown_kind_is_set_aside_and_the_rest_is_read()
    {
        await using var database = await emulator.FilledAsync(5);
        await using var server = new FakeServer(async request =>
        {
            var answer = await FakeServer.PassOnAsync(database.Host, request);
            return answer with { Body = answer.Body.Replace("\"integerValue\": \"3\"", "\"quaternionValue\": [1,2,3,4]", StringComparison.Ordinal) };
        });
        await using var source = database.OpenSource(2, server.Host);
        var reading = await SourceReading.ReadAsync(source);
        var malformed = Assert.Single(reading.Malformed);
        Assert.Equal(("k03", FirestoreErrors.Unreadable), (System.Text.Encoding.UTF8.GetString(malformed.Key.Span), malformed.Error));
        Assert.Contains("quaternionValue", malformed.Reason, StringComparison.Ordinal);
        Assert.Equal(4, reading.Documents.Count);
    }

    [Fact]
    public async Task Cancelled_while_it_waits_it_returns_at_once()
    {
        await using var database = await emulator.FilledAsync(10);
        await using var server = new FakeServer(async request => request.Body.Contains("readTime", StringComparison.Ordinal)
            ? await new TaskCompletionSource<FakeAnswer>().Task
            : await FakeServer.PassOnAsync(database.Host, request));
        await using var source = database.OpenSource(5, server.Host);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var partition = Assert.Single(await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct));
        cancel.CancelAfter(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var batch in source.ReadAsync(partition, partition.Start, cancel.Token)) batch.Dispose();
        });

        // And a server that stays silent is given up as transient.
        await using var impatient = database.OpenSource(5, server.Host, timeout: TimeSpan.FromMilliseconds(300));
        var error = await Assert.ThrowsAsync<PipelineException>(async () =>
        {
            await foreach (var batch in impatient.ReadAsync(partition, partition.Start, Ct)) batch.Dispose();
        });
        Assert.Equal((FirestoreErrors.TimedOut, FailureKind.Transient), (error.Error, error.Kind));
    }
}
