using System.Net.Sockets;
using System.Text;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Connectors.Tests.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>Lists and refusals that break off, or are not given at once: a small server says exactly what a real one can't be made to.</summary>
public sealed class S3ListTests
{
    private const string Stalls = "<ListBucketResult><Name>bucket-1</Name><IsTruncated>false</IsTruncated><Contents><Key>job/par";

    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(60);
    private static readonly ReadPlan Plan = new(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>());

    private readonly FileClock _clock = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_falls_silent_in_the_middle_of_a_list_is_given_up_as_any_other()
    {
        await using var server = new ScriptedServer(_ => new Answer("200 OK", Stalls, FallsSilent: true));
        await using var source = Source(server, TimeSpan.FromSeconds(1));
        var silent = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(Plan, Ct).WaitAsync(LongEnough, Ct));
        Assert.Equal(HadoopErrors.Unreachable, silent.Error);
        Assert.Contains("was silent for 1 s", silent.Message, StringComparison.Ordinal);

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var patient = Source(server, TimeSpan.FromHours(1));
        cancel.CancelAfter(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.GetPartitionsAsync(Plan, cancel.Token).WaitAsync(LongEnough, Ct));
        var check = await patient.CheckAsync(Ct).WaitAsync(LongEnough, Ct);
        Assert.Equal(HadoopErrors.Unreachable, check.Problem?.Error);
    }

    [Fact]
    public async Task A_server_that_falls_silent_in_the_middle_of_a_refusal_is_given_up_as_any_other()
    {
        await using var server = new ScriptedServer(path => path.Contains("list-type=2", StringComparison.Ordinal)
            ? Page("job/_SUCCESS", "job/part-00000")
            : new Answer("503 Slow Down", "<Error><Code>Slow", FallsSilent: true));
        await using var source = Source(server, TimeSpan.FromSeconds(5));
        var partition = (await source.GetPartitionsAsync(Plan, Ct))[0];
        var reading = source.ReadAsync(partition, partition.Start, Ct).GetAsyncEnumerator(Ct);
        var silent = await Assert.ThrowsAsync<PipelineException>(() => reading.MoveNextAsync().AsTask().WaitAsync(LongEnough, Ct));
        await reading.DisposeAsync();
        Assert.Equal(HadoopErrors.Unreachable, silent.Error);
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public async Task A_page_that_is_refused_for_a_while_is_asked_for_again_and_those_before_it_are_kept(int refusals, bool isWell)
    {
        var (first, second) = (0, 0);
        await using var server = new ScriptedServer(path =>
        {
            if (!path.Contains("continuation-token", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref first);
                return Page("next", "job/_SUCCESS", "job/part-00000");
            }

            return Interlocked.Increment(ref second) <= refusals ? new Answer("503 Slow Down", "<Error><Code>SlowDown</Code></Error>") : Page("job/part-00001", "other/_SUCCESS");
        });
        await using var source = Source(server, TimeSpan.FromSeconds(30));
        if (isWell) Assert.Equal(20, Assert.Single(await source.GetPartitionsAsync(Plan, Ct)).Extent);
        else Assert.Equal(HadoopErrors.Throttled, (await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(Plan, Ct))).Error);
        Assert.Equal((1, 5, 4), (first, second, _clock.Waits));
    }

    [Fact]
    public async Task A_refusal_that_would_not_pass_is_told_at_once()
    {
        var asked = 0;
        await using var server = new ScriptedServer(_ =>
        {
            Interlocked.Increment(ref asked);
            return new Answer("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>");
        });
        await using var source = Source(server, TimeSpan.FromSeconds(30));
        Assert.Equal(HadoopErrors.Denied, (await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(Plan, Ct))).Error);
        Assert.Equal((1, 0), (asked, _clock.Waits));
    }

    [Fact]
    public async Task Whoever_is_to_pay_says_so_in_every_request()
    {
        await using var server = new ScriptedServer(path => path.Contains("list-type=2", StringComparison.Ordinal)
            ? Page("job/_SUCCESS", "job/part-00000")
            : new Answer("400 Bad Request", "<Error><Code>InvalidRequest</Code></Error>"));
        foreach (var pays in (bool[])[false, true])
        {
            server.Heads.Clear();
            await using var source = Source(server, TimeSpan.FromSeconds(30), pays);
            var partition = (await source.GetPartitionsAsync(Plan, Ct))[0];
            var refused = await Assert.ThrowsAsync<PipelineException>(() => source.ReadAsync(partition, partition.Start, Ct).GetAsyncEnumerator(Ct).MoveNextAsync().AsTask());

            // As a service answers where an object was stored with a key of its writer's own.
            Assert.Equal(HadoopErrors.Locked, refused.Error);
            Assert.Equal(2, server.Heads.Count);
            Assert.All(server.Heads, head => Assert.Equal(pays, head.Contains("x-amz-request-payer: requester", StringComparison.OrdinalIgnoreCase)));
        }
    }

    // A first name without a / is the token of the next page.
    private static Answer Page(params string[] keys)
    {
        var next = keys[0].Contains('/', StringComparison.Ordinal) ? null : keys[0];
        if (next is not null) keys = keys[1..];
        var entries = string.Concat(keys.Select(k => $"<Contents><Key>{k}</Key><Size>{(k.EndsWith("_SUCCESS", StringComparison.Ordinal) ? 0 : 10)}</Size><ETag>\"tag\"</ETag></Contents>"));
        var more = next is null ? "<IsTruncated>false</IsTruncated>" : $"<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>";
        return new Answer("200 OK", $"<ListBucketResult><Name>bucket-1</Name>{more}{entries}</ListBucketResult>");
    }

    private HadoopSource Source(ScriptedServer server, TimeSpan timeout, bool pays = false)
    {
        var options = new HadoopOptions
        {
            Endpoint = $"http://{server.Host}", Bucket = "bucket-1", AccessKey = new Secret("test"), SecretKey = new Secret("test"), Format = HadoopFormat.KeyValue,
            Timeout = timeout, RequestPayer = pays,
        };
        return new HadoopSource(options, _clock, NullLogger<HadoopSource>.Instance);
    }

    private sealed record Answer(string Status, string Body, bool FallsSilent = false);

    // One request a connection; one that falls silent keeps it open until the test is over.
    private sealed class ScriptedServer : IAsyncDisposable
    {
        private readonly Func<string, Answer> _answer;
        private readonly ClientListener _clients;

        public ScriptedServer(Func<string, Answer> answer)
        {
            _answer = answer;
            _clients = new ClientListener(ServeAsync);
        }

        public string Host => _clients.Host;

        /// <summary>The head of each request.</summary>
        public List<string> Heads { get; } = [];

        public ValueTask DisposeAsync() => _clients.DisposeAsync();

        private async Task ServeAsync(TcpClient client, CancellationToken ended)
        {
            using (client)
            {
                try
                {
                    var stream = client.GetStream();
                    using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                    if (await reader.ReadLineAsync(ended) is not { } request) return;
                    var head = new StringBuilder(request);
                    while (await reader.ReadLineAsync(ended) is { Length: > 0 } line) head.Append('\n').Append(line);
                    lock (Heads) Heads.Add(head.ToString());

                    var answer = _answer(request.Split(' ')[1]);
                    var length = answer.Body.Length + (answer.FallsSilent ? 1000 : 0);
                    var status = $"HTTP/1.1 {answer.Status}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n";
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(status + answer.Body), ended);
                    if (answer.FallsSilent) await Task.Delay(Timeout.Infinite, ended);
                }
                catch (Exception e) when (e is IOException or OperationCanceledException)
                {
                    // The client gave up, or the test is over.
                }
            }
        }
    }
}
