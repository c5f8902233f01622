using System.Diagnostics;
using Amazon.Runtime;
using Amazon.S3;
using EsPipeline.Conformance;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>An S3 server: the one at <c>ESPIPE_TEST_S3_URL</c>, or moto, started for these tests and stopped after them.</summary>
public sealed class S3Server : IAsyncLifetime
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(3);

    private Process? _process;
    private Uri? _url;

    /// <summary>Its address. Call it within a test: it ends the test where there is none.</summary>
    public Uri Url => _url ?? new Uri(TestServers.Address("ESPIPE_TEST_S3_URL", "S3 server (moto_server)"));

    /// <summary>A new bucket of a test's own.</summary>
    public async Task<S3Bucket> NewBucketAsync(CancellationToken ct)
    {
        var bucket = new S3Bucket(Url, $"test-{Guid.NewGuid():N}");
        await bucket.Client.PutBucketAsync(bucket.Name, ct);
        return bucket;
    }

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("ESPIPE_TEST_S3_URL") is { Length: > 0 } given)
        {
            _url = new Uri(given);
            return;
        }

        var port = ServerPort.Find();
        var start = new ProcessStartInfo("moto_server")
        {
            ArgumentList = { "-H", "127.0.0.1", "-p", $"{port}" },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // It is not installed: each test that needs it says so.
            return;
        }

        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _url = new Uri($"http://127.0.0.1:{port}");
        await ReadyAsync(_url);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is null) return;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static async Task ReadyAsync(Uri url)
    {
        using var client = S3Bucket.ClientOf(url);
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < LongestStart)
        {
            try
            {
                await client.ListBucketsAsync();
                return;
            }
            catch (Exception e) when (e is HttpRequestException or AmazonServiceException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100));
            }
        }

        Assert.Fail($"moto at {url} did not answer within {LongestStart.TotalSeconds} s.");
    }
}

/// <summary>A bucket that goes with its test.</summary>
public sealed class S3Bucket(Uri url, string name) : IAsyncDisposable
{
    public Uri Url => url;

    public string Name => name;

    public AmazonS3Client Client { get; } = ClientOf(url);

    public static AmazonS3Client ClientOf(Uri url) => new(
        new BasicAWSCredentials("test", "test"),
        new AmazonS3Config { ServiceURL = url.AbsoluteUri, ForcePathStyle = true, AuthenticationRegion = "us-east-1", MaxErrorRetry = 2 });

    /// <summary>Puts an object.</summary>
    public async Task PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        using var stream = new MemoryStream(content.ToArray());
        await Client.PutObjectAsync(new Amazon.S3.Model.PutObjectRequest { BucketName = name, Key = key, InputStream = stream }, ct);
    }

    /// <summary>Removes an object.</summary>
    public Task DeleteAsync(string key, CancellationToken ct) => Client.DeleteObjectAsync(name, key, ct);

    public async ValueTask DisposeAsync()
    {
        var list = await Client.ListObjectsV2Async(new Amazon.S3.Model.ListObjectsV2Request { BucketName = name, Encoding = EncodingType.Url });
        foreach (var entry in list.S3Objects ?? []) await Client.DeleteObjectAsync(name, System.Net.WebUtility.UrlDecode(entry.Key));
        Client.Dispose();
    }
}

/// <summary>All tests that share the server.</summary>
[CollectionDefinition(Name)]
public sealed class S3CollectionDefinition : ICollectionFixture<S3Server>
{
    public const string Name = "S3";
}
