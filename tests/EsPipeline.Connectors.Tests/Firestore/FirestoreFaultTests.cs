using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>What goes wrong on the way to Firestore or in it, and what the sink makes of it.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreFaultTests(FirestoreEmulator emulator)
{
    private const string Html = "<html><body>Sorry</body></html>";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<int, string, string, FailureKind, double?> Answers => new()
    {
        { 429, Error("RESOURCE_EXHAUSTED", "slow down", """{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7.5s"}"""), "firestore.throttled", FailureKind.Transient, 7.5 },
        { 429, Error("RESOURCE_EXHAUSTED", "Quota exceeded."), "firestore.throttled", FailureKind.Transient, null },
        { 429, Error("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Free daily write units' and limit 'Free daily write units per day per project'"), "firestore.quota", FailureKind.Environment, null },
        { 503, Error("UNAVAILABLE", "try later"), "firestore.unavailable", FailureKind.Transient, 3 },
        { 409, Error("ABORTED", "Too much contention on these documents."), "firestore.aborted", FailureKind.Transient, 3 },
        { 504, Error("DEADLINE_EXCEEDED", "too slow"), "firestore.deadline", FailureKind.Transient, 3 },
        { 500, Error("INTERNAL", "oops"), "firestore.internal", FailureKind.Transient, 3 },
        { 401, Error("UNAUTHENTICATED", "Request had invalid authentication credentials."), "firestore.auth", FailureKind.Environment, 3 },
        { 403, Error("PERMISSION_DENIED", "Missing or insufficient permissions."), "firestore.permission", FailureKind.Environment, 3 },
        { 403, Error("PERMISSION_DENIED", "Cloud Firestore API has not been used in project 1 before or it is disabled."), "firestore.api_disabled", FailureKind.Environment, 3 },
        { 403, Error("PERMISSION_DENIED", "no", Reason("SERVICE_DISABLED")), "firestore.api_disabled", FailureKind.Environment, 3 },
        { 403, Error("PERMISSION_DENIED", "no", Reason("CONSUMER_INVALID")), "firestore.project", FailureKind.Environment, 3 },
        { 403, Error("PERMISSION_DENIED", "no", Reason("BILLING_DISABLED")), "firestore.quota", FailureKind.Environment, 3 },
        { 404, Error("NOT_FOUND", "The database (default) does not exist for project p"), "firestore.no_database", FailureKind.Environment, 3 },
        { 400, Error("FAILED_PRECONDITION", "The Cloud Firestore API is not available for Firestore in Datastore Mode database p."), "firestore.datastore_mode", FailureKind.Environment, 3 },
        { 400, Error("FAILED_PRECONDITION", "something else"), "firestore.rejected", FailureKind.Environment, 3 },
        { 501, Error("UNIMPLEMENTED", "no such method"), "firestore.rejected", FailureKind.Environment, 3 },
        { 503, "[" + Error("UNAVAILABLE", "in an array") + "]", "firestore.unavailable", FailureKind.Transient, 3 },
        { 503, Html, "firestore.unavailable", FailureKind.Transient, 3 },
        { 502, Html, "firestore.unavailable", FailureKind.Transient, 3 },
        { 500, "", "firestore.internal", FailureKind.Transient, 3 },
        { 403, Html, "firestore.permission", FailureKind.Environment, 3 },
        { 400, Html, "firestore.rejected", FailureKind.Environment, 3 },
        { 404, """{"error":{"type":"index_not_found_exception"},"status":404}""", "firestore.rejected", FailureKind.Environment, 3 },
        { 302, Html, "firestore.redirected", FailureKind.Environment, null },
        { 200, "", "firestore.bad_answer", FailureKind.Transient, null },
        { 200, "{}", "firestore.bad_answer", FailureKind.Transient, null },
        { 200, """{"status":[{}]}""", "firestore.bad_answer", FailureKind.Transient, null },
        { 200, """{"status":[{},{}]""", "firestore.bad_answer", FailureKind.Transient, null },
        { 200, """{"status":[{},{},{}]}""", "firestore.bad_answer", FailureKind.Transient, null },
        { 200, """{"status":[{},{"code":"three"}]}""", "firestore.bad_answer", FailureKind.Transient, null },
        { 0, "", "firestore.connection", FailureKind.Transient, null },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Every_failure_of_a_whole_request_has_its_code(int status, string body, string code, FailureKind kind, double? retryAfter)
    {
        await using var server = new FakeServer(_ => new FakeAnswer(status, body, "retry-after: 3", "location: http://login.example/?q=S3cr3t"));
        await using var sink = Open(server.Host);
        var error = await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync(("a", "{}"), ("b", "{}")));
        Assert.Equal((code, kind), (error.Code, error.Kind));
        if (status >= 400 && code != "firestore.quota") Assert.Equal(TimeSpan.FromSeconds(retryAfter ?? 3), error.RetryAfter);
        Assert.DoesNotContain("S3cr3t", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Remedy);
        Assert.Single(server.Requests);

        // The check tells the same instead of throwing it.
        var health = await sink.CheckAsync(Ct);
        Assert.Equal(code == "firestore.bad_answer" && body.Contains("[{}]", StringComparison.Ordinal) ? null : code, health.Problem?.Code);
    }

    [Fact]
    public async Task Every_write_is_answered_by_its_own_status()
    {
        int[] codes = [0, 3, 4, 5, 7, 8, 9, 10, 13, 14, 16];
        await using var server = new FakeServer(_ => new FakeAnswer(
            200, $$"""{"writeResults":[{},{"updateTime":"x"}],"status":[{{string.Join(',', codes.Select(c => $$"""{"code":{{c}},"message":"m{{c}}"}"""))}},{"code":5,"message":"no entity"}]}"""));
        await using var sink = Open(server.Host);
        var result = await sink.WriteAsync([.. codes.Select(c => ($"k{c}", (string?)"{}")), ("deleted", null)]);
        Assert.Equal(2, result.Written);
        Assert.Equal(
            [
                (1, "firestore.refused"), (2, "firestore.deadline"), (3, "firestore.refused"), (4, "firestore.permission"), (5, "firestore.throttled"),
                (6, "firestore.refused"), (7, "firestore.aborted"), (8, "firestore.document_failed"), (9, "firestore.unavailable"), (10, "firestore.auth"),
            ],
            result.Failures.Select(f => (f.Index, f.Error.Code)));
        Assert.All(result.Failures, f => Assert.Contains($"m{codes[f.Index]}", f.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_that_is_refused_as_a_whole_is_halved_until_the_one_to_blame_is_alone()
    {
        await using var server = new FakeServer(request => request.Body.Contains("\"bad", StringComparison.Ordinal)
            ? new FakeAnswer(400, Error("INVALID_ARGUMENT", "something bad is in it"))
            : Fine(request));
        await using var sink = Open(server.Host);
        var result = await sink.WriteAsync([.. Enumerable.Range(0, 300).Select(i => ($"k{i}", (string?)(i is 17 or 18 or 299 ? """{"v":"bad"}""" : "{}")))]);
        Assert.Equal([17, 18, 299], result.Failures.Select(f => f.Index));
        Assert.All(result.Failures, f => Assert.Equal((FirestoreErrors.Refused, true), (f.Error, f.Reason.Contains("something bad", StringComparison.Ordinal))));
        Assert.Equal(297, result.Written);
        Assert.InRange(server.Requests.Count, 10, 60);
        var taken = server.Requests.Where(r => !r.Body.Contains("\"bad", StringComparison.Ordinal)).Sum(r => Writes(r));
        Assert.Equal(297, taken);
    }

    [Theory]
    [InlineData(413, Html)]
    [InlineData(429, """{"error":{"code":429,"message":"gRPC message exceeds maximum size 4194304: 5000387","status":"RESOURCE_EXHAUSTED"}}""")]
    [InlineData(400, """{"error":{"code":400,"message":"Request payload size exceeds the limit: 11534336 bytes.","status":"INVALID_ARGUMENT"}}""")]
    public async Task A_request_that_is_too_large_is_halved_too(int status, string body)
    {
        await using var server = new FakeServer(request => request.Body.Length > 1000 ? new FakeAnswer(status, body) : Fine(request));
        await using var sink = Open(server.Host);
        var result = await sink.WriteAsync([.. Enumerable.Range(0, 20).Select(i => ($"k{i}", (string?)$$"""{"v":"{{new string('x', i == 5 ? 2000 : 50)}}"}"""))]);
        var failure = Assert.Single(result.Failures);
        Assert.Equal((5, FirestoreErrors.RequestTooLarge), (failure.Index, failure.Error));
    }

    [Fact]
    public async Task A_write_whose_answer_is_lost_converges_when_it_is_sent_again()
    {
        await using var database = emulator.NewDatabase();
        var lost = 2;
        await using var server = new FakeServer(async request =>
        {
            var answer = await FakeServer.PassOnAsync(database.Host, request);
            return Interlocked.Decrement(ref lost) switch { 1 => FakeAnswer.Cut, 0 => answer with { CutInBody = true }, _ => answer };
        });
        await using var sink = await database.OpenSinkAsync(host: server.Host);
        (string, string?)[] slice = [("a", """{"v":1}"""), ("b", """{"v":2}"""), ("c", null)];
        foreach (var _ in (int[])[1, 2])
        {
            var error = await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync(slice));
            Assert.Equal(FirestoreErrors.Connection, error.Error);
            Assert.Equal(["a", "b"], (await database.AllAsync()).Keys.Order());
        }

        Assert.Equal(3, (await sink.WriteAsync(slice)).Written);
        Assert.Equal(["a", "b"], (await database.AllAsync()).Keys.Order());
    }

    [Fact]
    public async Task Cancelled_during_a_write_it_returns_at_once()
    {
        await using var server = new FakeServer(async _ => await new TaskCompletionSource<FakeAnswer>().Task);
        await using var sink = Open(server.Host);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        cancel.CancelAfter(TimeSpan.FromMilliseconds(200));
        using var batch = OneRecord();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sink.WriteAsync(new(batch.Records), cancel.Token));
    }

    [Fact]
    public async Task A_server_that_falls_silent_is_given_up_as_transient()
    {
        await using var server = new FakeServer(async _ => await new TaskCompletionSource<FakeAnswer>().Task);
        await using var sink = Open(server.Host, TimeSpan.FromMilliseconds(300));
        var error = await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync(("a", "{}")));
        Assert.Equal(FirestoreErrors.TimedOut, error.Error);
        Assert.Equal(FirestoreErrors.TimedOut, (await sink.CheckAsync(Ct)).Problem?.Error);
    }

    [Theory]
    [InlineData("127.0.0.1:1", "firestore.connection")]
    [InlineData("nowhere.invalid:80", "firestore.dns")]
    public async Task A_host_that_is_not_there_is_named(string host, string code)
    {
        await using var sink = Open(host);
        var error = await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync(("a", "{}")));
        Assert.Equal((code, FailureKind.Transient), (error.Code, error.Kind));
        Assert.Contains(host.Split(':')[0], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_not_trusted()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        await using var server = new FakeServer(r => Task.FromResult(Fine(r)), certificate);
        var options = new FirestoreSinkOptions { Project = "p", Collection = "c" };
        using var signedIn = new FirestoreCredential(new FirestoreOptions { EmulatorHost = "needs no account" });
        await using var sink = new FirestoreSink(
            options, TimeProvider.System, NullLogger.Instance, new FirestoreClient(options, TimeProvider.System, new Uri($"https://{server.Host}/"), signedIn));
        Assert.Equal(FirestoreErrors.Tls, (await sink.CheckAsync(Ct)).Problem?.Error);
        Assert.Empty(server.Requests);
    }

    /// <summary>An error body as Google's services write it.</summary>
    internal static string Error(string status, string message, string? detail = null) =>
        $$$"""{"error":{"code":400,"message":{{{JsonSerializer.Serialize(message)}}},"status":"{{{status}}}","details":[{{{detail}}}]}}""";

    /// <summary>An answer that all writes were made.</summary>
    internal static FakeAnswer Fine(FakeRequest request) => new(200, $$"""{"status":[{{string.Join(',', Enumerable.Repeat("{}", Writes(request)))}}]}""");

    private static int Writes(FakeRequest request)
    {
        using var body = JsonDocument.Parse(request.Body);
        return body.RootElement.GetProperty("writes").GetArrayLength();
    }

    private static string Reason(string reason) => $$"""{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{{reason}}","domain":"googleapis.com"}""";

    private static Core.Records.RecordBatch OneRecord()
    {
        using var builder = new Core.Records.RecordBatchBuilder();
        builder.Add("k"u8, "{}"u8, Core.Records.RecordOperation.Upsert, 0, 0);
        return builder.Build(default, 0, "record");
    }

    private static FirestoreSink Open(string host, TimeSpan? timeout = null)
    {
        var options = new FirestoreSinkOptions { Project = "p", Collection = "c", EmulatorHost = host };
        return new FirestoreSink(options, TimeProvider.System, NullLogger.Instance, new FirestoreClient(options, TimeProvider.System))
        {
            WriteTimeout = timeout ?? TimeSpan.FromSeconds(60),
        };
    }
}
