using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// The objects of a bucket under a prefix, from any service that speaks S3: <c>ListObjectsV2</c>, and <c>GetObject</c> with <c>Range</c> and
/// <c>If-Match</c>. What may pass by itself is tried again a few times (<see cref="RequestTries"/>), since failing would throw away every page of a
/// list, or all that was fetched ahead.
/// </summary>
internal sealed class S3Store : IObjectStore
{
    private readonly HadoopOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _making = new();
    private Task<AmazonS3Client>? _client;

    // Paths are counted from the last / of the prefix on, so that a prefix may be the beginning of a folder's name.
    private readonly string _base;

    public S3Store(HadoopOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _base = options.Prefix[..(options.Prefix.LastIndexOf('/') + 1)];
    }

    private RequestPayer? Payer => _options.RequestPayer ? RequestPayer.Requester : null;

    public string Description => $"S3 bucket {_options.Bucket}";

    public IReadOnlyDictionary<string, string> Identity => new Dictionary<string, string> { ["bucket"] = _options.Bucket!, ["prefix"] = _options.Prefix };

    public IReadOnlyList<string> Warnings => _options.EndpointUrl is { Scheme: "http", IsLoopback: false } url
        ? [$"{url.Host} is spoken to without TLS: anyone on the way can read and change the data."]
        : [];

    public string NameOf(StoredObject file) => $"s3://{_options.Bucket}/{PrintableText.Escape(_base + file.Path)}";

    public Task CheckAsync(CancellationToken ct) => ListPageAsync(null, 1, ct);

    public async Task<IReadOnlyList<StoredObject>> ListAsync(CancellationToken ct)
    {
        var files = new List<StoredObject>();
        string? next = null;
        do
        {
            var page = await NextPageAsync(next, ct).ConfigureAwait(false);
            var encoded = page.Encoding == EncodingType.Url;
            foreach (var entry in page.S3Objects ?? [])
            {
                var key = encoded ? WebUtility.UrlDecode(entry.Key) : entry.Key;
                if (!key.StartsWith(_options.Prefix, StringComparison.Ordinal)) throw NoS3($"it lists '{PrintableText.Escape(key)}', which is not under the prefix");
                files.Add(new StoredObject(key[_base.Length..], entry.Size ?? 0, (entry.ETag ?? "").Trim('"')));
            }

            var more = page.IsTruncated == true;
            if (more && (page.NextContinuationToken is not { Length: > 0 } token || token == next)) throw NoS3("its list ends in the middle");
            next = more ? page.NextContinuationToken : null;
        }
        while (next is not null);

        return files;
    }

    public async Task ReadAsync(StoredObject file, long offset, Memory<byte> buffer, CancellationToken ct)
    {
        var (done, tries) = (0, new RequestTries(_options.Timeout, _time));
        while (done < buffer.Length)
        {
            var before = done;
            try
            {
                await ReadRangeAsync(file, offset + done, buffer[done..], read => done += read, ct).ConfigureAwait(false);
            }
            catch (PipelineException e) when (e.Kind == FailureKind.Transient)
            {
                // Where the body broke off after it had brought something, the rest is asked for at once, from the next byte on.
                if (done > before) tries = new RequestTries(_options.Timeout, _time);
                else if (!await tries.AgainAsync(ct).ConfigureAwait(false)) throw;
            }
        }
    }

    public void Dispose()
    {
        // One that is still being made has no connection yet, and nobody waits for it any more.
        if (_client is { IsCompletedSuccessfully: true } made) made.Result.Dispose();
    }

    private async Task<ListObjectsV2Response> NextPageAsync(string? next, CancellationToken ct)
    {
        var tries = new RequestTries(_options.Timeout, _time);
        while (true)
        {
            try
            {
                return await ListPageAsync(next, null, ct).ConfigureAwait(false);
            }
            catch (PipelineException e) when (e.Kind == FailureKind.Transient)
            {
                if (!await tries.AgainAsync(ct).ConfigureAwait(false)) throw;
            }
        }
    }

    private Task<ListObjectsV2Response> ListPageAsync(string? next, int? most, CancellationToken ct) => CallAsync(null, async (_, limited) =>
    {
        var client = await ClientAsync(limited).ConfigureAwait(false);
        var request = new ListObjectsV2Request
        {
            BucketName = _options.Bucket, Prefix = _options.Prefix, ContinuationToken = next, MaxKeys = most, Encoding = EncodingType.Url, RequestPayer = Payer,
        };
        var page = await EndAsync(client.ListObjectsV2Async(request, limited), limited).ConfigureAwait(false);

        // Any 200 with any text in it, such as a proxy's page, would pass for an empty list (invariant 4).
        return page.Name is { Length: > 0 } ? page : throw NoS3("its answer is no list of objects");
    }, ct);

    private Task<bool> ReadRangeAsync(StoredObject file, long offset, Memory<byte> buffer, Action<int> advance, CancellationToken ct) => CallAsync(file, async (timer, limited) =>
    {
        var client = await ClientAsync(limited).ConfigureAwait(false);
        var request = new GetObjectRequest
        {
            BucketName = _options.Bucket,
            Key = _base + file.Path,
            RequestPayer = Payer,
            ByteRange = new ByteRange(offset, offset + buffer.Length - 1),
            EtagToMatch = file.Version.Length > 0 ? $"\"{file.Version}\"" : null,
        };
        using var answer = await EndAsync(client.GetObjectAsync(request, limited), limited).ConfigureAwait(false);
        if (file.Version.Length > 0 && answer.ETag?.Trim('"') != file.Version) throw new ObjectChangedException(file.Path);
        var isRange = answer.HttpStatusCode == HttpStatusCode.PartialContent || (offset == 0 && buffer.Length == file.Size);
        if (!isRange || answer.ContentLength != buffer.Length) throw NoS3($"it sends {answer.ContentLength} bytes of {NameOf(file)} where {buffer.Length} were asked for");
        while (!buffer.IsEmpty)
        {
            timer.CancelAfter(_options.Timeout);
            var read = await answer.ResponseStream.ReadAsync(buffer, limited).ConfigureAwait(false);
            if (read == 0) throw new EndOfStreamException("The answer ends too early.");
            advance(read);
            buffer = buffer[read..];
        }

        return true;
    }, ct);

    // The SDK reads a list, and what a refusal says, from the body on a thread that looks at no token: where the server falls silent in the middle
    // of it, the call would never end. It is left behind, and what it may still bring is let go of.
    private static async Task<T> EndAsync<T>(Task<T> call, CancellationToken ct)
        where T : AmazonWebServiceResponse
    {
        try
        {
            return await call.WaitAsync(ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = call.ContinueWith(
                late => (late.Exception is null && late.IsCompletedSuccessfully ? late.Result as IDisposable : null)?.Dispose(),
                CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw;
        }
    }

    // Made by the first call, within its time: with neither a region nor an address nor keys, only the machine itself may know the region.
    private Task<AmazonS3Client> ClientAsync(CancellationToken ct)
    {
        lock (_making)
        {
            if (_client is null or { IsFaulted: true }) _client = NeedsMachine ? Task.Run(Make, CancellationToken.None) : Task.FromResult(Make());
            return _client.WaitAsync(ct);
        }
    }

    // The SDK asks 169.254.169.254 on the calling thread, for many seconds where nothing answers: another thread waits for it.
    private bool NeedsMachine => _options is { Region: null, EndpointUrl: null, AccessKey: null };

    private AmazonS3Client Make()
    {
        var config = new AmazonS3Config
        {
            MaxErrorRetry = 0,
            AllowAutoRedirect = false,
            ForcePathStyle = _options.PathStyle ?? _options.Endpoint is not null,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        var region = _options.Region ?? FallbackRegionFactory.GetRegionEndpoint(includeInstanceMetadata: NeedsMachine)?.SystemName ?? RegionEndpoint.USEast1.SystemName;
        if (_options.EndpointUrl is { } url)
        {
            config.ServiceURL = url.AbsoluteUri;
            config.AuthenticationRegion = region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return _options is { AccessKey: { } access, SecretKey: { } secret }
            ? new AmazonS3Client(new BasicAWSCredentials(access.Reveal(), secret.Reveal()), config)
            : new AmazonS3Client(config);
    }

    private async Task<T> CallAsync<T>(StoredObject? file, Func<CancellationTokenSource, CancellationToken, Task<T>> call, CancellationToken ct)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timer.CancelAfter(_options.Timeout);
        try
        {
            return await call(timer, timer.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (PipelineException or ObjectChangedException or OutOfMemoryException))
        {
            ct.ThrowIfCancellationRequested();
            if (timer.IsCancellationRequested)
            {
                throw HadoopErrors.Unreachable.Error($"{Description} was silent for {_options.Timeout.TotalSeconds:0.#} s.", inner: e);
            }

            throw S3Failure.Of(e, _options, file);
        }
    }

    private PipelineException NoS3(string what) => HadoopErrors.Refused.Error($"What answers for {Description} is no S3 service: {what}.");
}
