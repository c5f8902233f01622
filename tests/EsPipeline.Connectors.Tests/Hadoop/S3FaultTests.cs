using EsPipeline.Conformance;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Connectors.Tests.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>What S3 services and networks do to a reader.</summary>
[Collection(S3CollectionDefinition.Name)]
public sealed class S3FaultTests(S3Server server)
{
    private static readonly SourceKnobs Small = new() { PageSize = 20 };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_object_whose_connection_is_reset_is_read_on_from_its_byte()
    {
        await using var set = await SeededAsync(2000);
        await using var proxy = new TcpProxy(set.Server);
        await using var source = set.Open(Small with { Through = proxy.EndPoint }, set.Options);
        var reading = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct, new ReadHooks
        {
            OnBatch = batch =>
            {
                // Past the headers and into the body, so that there is something to go on from.
                if (batch % 4 == 1) proxy.CutAfter(Direction.ToClient, 1500);
                return Task.CompletedTask;
            },
        });
        Assert.True(proxy.Cuts >= 3);
        Assert.Equal(0, reading.Retries);
        ContentAssert.Unique(reading.Records);
        ContentAssert.Same(Corpus.Plain(2000).Select(set.Expected), reading.Apply());
    }

    [Theory]
    [InlineData("503 Slow Down", "SlowDown", "hadoop.throttled", FailureKind.Transient)]
    [InlineData("429 Too Many Requests", "TooManyRequests", "hadoop.throttled", FailureKind.Transient)]
    [InlineData("500 Internal Server Error", "InternalError", "hadoop.unreachable", FailureKind.Transient)]
    [InlineData("400 Bad Request", "RequestTimeout", "hadoop.unreachable", FailureKind.Transient)]
    [InlineData("403 Forbidden", "AccessDenied", "hadoop.denied", FailureKind.Environment)]
    [InlineData("403 Forbidden", "InvalidAccessKeyId", "hadoop.denied", FailureKind.Environment)]
    [InlineData("403 Forbidden", "SignatureDoesNotMatch", "hadoop.denied", FailureKind.Environment)]
    [InlineData("403 Forbidden", "RequestTimeTooSkewed", "hadoop.denied", FailureKind.Environment)]
    [InlineData("403 Forbidden", "InvalidObjectState", "hadoop.locked", FailureKind.Environment)]
    [InlineData("400 Bad Request", "KMS.DisabledException", "hadoop.locked", FailureKind.Environment)]
    [InlineData("404 Not Found", "NoSuchBucket", "hadoop.no_bucket", FailureKind.Environment)]
    [InlineData("301 Moved Permanently", "PermanentRedirect", "hadoop.elsewhere", FailureKind.Environment)]
    [InlineData("400 Bad Request", "AuthorizationHeaderMalformed", "hadoop.elsewhere", FailureKind.Environment)]
    [InlineData("400 Bad Request", "InvalidArgument", "hadoop.refused", FailureKind.Environment)]
    public async Task Each_refusal_is_told_as_what_it_is(string status, string code, string expected, FailureKind kind)
    {
        await using var set = await SeededAsync(10);
        await using var proxy = new TcpProxy(set.Server);
        const string secret = "S3cr3t!%40/:?#";
        var options = set.Options with { AccessKey = new Secret("access"), SecretKey = new Secret(secret) };
        await using var source = set.Open(Small with { Through = proxy.EndPoint }, options, time: new FileClock());
        for (var tries = 0; tries < 5; tries++) Refuse(proxy, status, code);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct));
        Assert.Equal((expected, kind), (failure.Code, failure.Kind));
        Assert.DoesNotContain(secret, failure.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("access\"", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_throttled_read_is_gone_on_with_where_it_was()
    {
        await using var set = await SeededAsync(300);
        await using var proxy = new TcpProxy(set.Server);
        await using var source = set.Open(Small with { Through = proxy.EndPoint }, set.Options, time: new FileClock());
        var reading = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct, new ReadHooks
        {
            OnBatch = batch =>
            {
                if (batch is 1 or 4) Refuse(proxy, "503 Slow Down", "SlowDown");
                return Task.CompletedTask;
            },
        });
        Assert.Equal((2, 0), (proxy.Cuts, reading.Retries));
        ContentAssert.Unique(reading.Records);
        ContentAssert.Same(Corpus.Plain(300).Select(set.Expected), reading.Apply());
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".bz2")]
    [InlineData(".zst")]
    [InlineData(".snappy")]
    public async Task A_packed_file_that_can_not_be_fetched_for_a_while_is_not_taken_for_a_damaged_one(string ending)
    {
        await using var set = new KeyValueBucket(await server.NewBucketAsync(Ct));
        await set.WriteAsync("job/part-00000" + ending, PackingTests.Packed(ending), Ct);
        await set.WriteAsync("job/_SUCCESS", "", Ct);
        await using var proxy = new TcpProxy(set.Server);
        await using var source = set.Open(new SourceKnobs { PageSize = 4, Through = proxy.EndPoint }, set.Options, time: new FileClock());
        var partition = (await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct))[0];
        await proxy.DownAsync();
        Assert.Equal(HadoopErrors.Unreachable, (await Assert.ThrowsAsync<PipelineException>(() => KeysAsync(source, partition))).Error);
        proxy.Up();
        Assert.Equal(PackingTests.Lines(), await KeysAsync(source, partition));
    }

    [Theory]
    [InlineData("<html>Welcome to the hotel's network</html>")]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("<ListBucketResult><Name>x</Name><IsTruncated>true</IsTruncated></ListBucketResult>")]
    public async Task An_answer_that_is_no_list_is_never_taken_for_an_empty_one(string body)
    {
        await using var set = await SeededAsync(10);
        await using var proxy = new TcpProxy(set.Server);
        await using var source = set.Open(Small with { Through = proxy.EndPoint }, set.Options);
        proxy.AnswerNextWithHttp("200 OK", body);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct));
        Assert.Equal(HadoopErrors.Refused, refused.Error);
    }

    [Fact]
    public async Task A_server_that_sends_other_bytes_than_were_asked_for_is_not_believed()
    {
        await using var set = await SeededAsync(300);
        await using var proxy = new TcpProxy(set.Server);
        foreach (var headers in (string[][])[[], ["ETag: \"other\""]])
        {
            await using var source = set.Open(Small with { Through = proxy.EndPoint }, set.Options);
            var partition = (await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct))[0];
            proxy.AnswerNextWithHttp("200 OK", "{\"id\":\"forged\"}\n", headers);
            Assert.DoesNotContain("forged", await KeysAsync(source, partition));
            Assert.True(source.SnapshotContinues);
        }
    }

    [Fact]
    public async Task A_redirect_to_another_host_is_not_followed()
    {
        await using var set = await SeededAsync(10);
        await using var proxy = new TcpProxy(set.Server);
        await using var elsewhere = new TcpProxy(set.Server);
        foreach (var status in (string[])["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
        {
            await using var source = set.Open(Small with { Through = proxy.EndPoint }, set.Options);
            proxy.AnswerNextWithHttp(status, "", $"Location: http://{elsewhere.EndPoint}/{set.Bucket.Name}?list-type=2");
            var refused = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct));
            Assert.Equal(FailureKind.Environment, refused.Kind);
        }

        Assert.Equal(0, elsewhere.Connections);
    }

    [Theory]
    [InlineData("self-signed")]
    [InlineData("expired")]
    [InlineData("of another host")]
    [InlineData("plain text")]
    public async Task A_service_that_can_not_prove_who_it_is_gets_no_request(string fault)
    {
        await using var set = await SeededAsync(10);
        using var certificates = new TestCertificates();
        await using var tls = new TlsEndpoint(fault == "of another host" ? certificates.Make("elsewhere") : certificates.Make("localhost", selfSigned: true, expired: fault == "expired"));
        var endpoint = fault == "plain text" ? $"https://localhost:{set.Server.Port}" : tls.Address;
        await using var source = set.Open(Small, set.Options with { Endpoint = endpoint });
        var refused = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct));
        Assert.Equal((HadoopErrors.Tls, FailureKind.Environment), (refused.Error, refused.Kind));
        Assert.Equal(fault == "plain text", refused.Message.Contains("does not speak TLS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_list_of_several_pages_is_read_to_its_end()
    {
        await using var set = await SeededAsync(0);
        for (var i = 0; i < 1100; i++) await set.WriteAsync($"many/part-{i:00000}", $"{{\"id\":{i}}}\n", Ct);
        await set.WriteAsync("many/_SUCCESS", "", Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 1000 }, 1, Ct);
        Assert.Equal(Enumerable.Range(0, 1100).Select(i => $"{i}"), reading.Records.Select(r => r.Key));
    }

    [Fact]
    public async Task A_check_tells_a_missing_bucket()
    {
        await using var set = await SeededAsync(1);
        await using (var missing = set.Open(Small, set.Options with { Bucket = "no-such-bucket-here" }))
        {
            Assert.Equal(HadoopErrors.NoBucket, (await Health.OfAsync(missing)).Problem?.Error);
        }

        await using (var well = set.Open(Small, set.Options))
        {
            var health = await Health.OfAsync(well);
            Assert.Null(health.Problem);
            Assert.Equal(set.Bucket.Name, health.Identity["bucket"]);
        }
    }

    private static async Task<List<string>> KeysAsync(HadoopSource source, Partition partition)
    {
        var keys = new List<string>();
        await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
        {
            using (batch) keys.AddRange(batch.Records.ToArray().Select(r => System.Text.Encoding.UTF8.GetString(r.Key.Span)));
        }

        return keys;
    }

    private static void Refuse(TcpProxy proxy, string status, string code)
    {
        var body = $"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>told by the service</Message><RequestId>1</RequestId></Error>";
        proxy.AnswerNextWith(System.Text.Encoding.UTF8.GetBytes(
            $"HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {body.Length}\r\nconnection: close\r\n\r\n{body}"));
    }

    private async Task<S3DataSet> SeededAsync(int documents)
    {
        var set = new S3DataSet(await server.NewBucketAsync(Ct));
        await set.SeedAsync([.. Corpus.Plain(documents)], 1, Ct);
        return set;
    }
}
