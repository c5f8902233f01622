using System.Net;
using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>Documents as the JSON lines of finished jobs, three part files each; what comes later is a job of its own.</summary>
internal abstract class HadoopDataSet : SourceDataSet
{
    private int _jobs;

    public virtual HadoopOptions Options => new() { Format = HadoopFormat.Jsonl };

    public override IDataSource Open(SourceKnobs knobs) => Open(knobs, Options);

    /// <summary>Opens a source with other options.</summary>
    public virtual HadoopSource Open(SourceKnobs knobs, HadoopOptions options, ILogger<HadoopSource>? log = null, TimeProvider? time = null) =>
        new(options, time ?? TimeProvider.System, log ?? NullLogger<HadoopSource>.Instance) { Tuning = TuningOf(knobs) };

    /// <summary>Writes a file at a path below the place that is read.</summary>
    public abstract Task WriteAsync(string path, byte[] content, CancellationToken ct);

    /// <summary>Removes a file.</summary>
    public abstract Task RemoveAsync(string path, CancellationToken ct);

    /// <summary>Writes a file of text.</summary>
    public Task WriteAsync(string path, string content, CancellationToken ct) => WriteAsync(path, Encoding.UTF8.GetBytes(content), ct);

    public async Task SeedAsync(IReadOnlyList<Document> documents, int jobs, CancellationToken ct)
    {
        var each = (documents.Count / jobs) + 1;
        for (var job = 0; job < jobs; job++) await PutJobAsync([.. documents.Skip(job * each).Take(each)], ct);
    }

    public override Task PutAsync(IReadOnlyList<Document> documents, CancellationToken ct) => PutJobAsync(documents, ct);

    public override async Task<Func<Task>> BeginPutAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        var folder = await PutPartsAsync(documents, ct);
        return () => WriteAsync(folder + "_SUCCESS", "", ct);
    }

    public override async Task<string> PutMalformedAsync(CancellationToken ct)
    {
        var folder = NewFolder();
        await WriteAsync(folder + "part-00000", "{\"id\":\"good\n", ct);
        await WriteAsync(folder + "_SUCCESS", "", ct);
        return folder + "part-00000 line 1";
    }

    public override Document Expected(Document document) => document with { Json = Line(document) };

    protected static string Line(Document document) =>
        $"{{\"id\":{Encoding.UTF8.GetString(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(document.Key))},\"content\":{document.Json}}}";

    private static ReadTuning TuningOf(SourceKnobs knobs) => knobs.PageSize >= 1000
        ? new ReadTuning()
        : new ReadTuning(RangeBytes: Math.Max(knobs.PageSize * 130, 500), WindowBytes: Math.Min(knobs.PageSize * 110, ChunkReader.DefaultWindowBytes));

    private async Task PutJobAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        var folder = await PutPartsAsync(documents, ct);
        await WriteAsync(folder + "_SUCCESS", "", ct);
    }

    private async Task<string> PutPartsAsync(IReadOnlyList<Document> documents, CancellationToken ct)
    {
        var folder = NewFolder();
        var each = (documents.Count / 3) + 1;
        for (var part = 0; part < 3; part++)
        {
            var content = new MemoryStream();
            foreach (var document in documents.Skip(part * each).Take(each)) content.Write(Encoding.UTF8.GetBytes(Line(document) + "\n"));
            await WriteAsync($"{folder}part-{part:00000}", content.ToArray(), ct);
        }

        return folder;
    }

    private string NewFolder() => $"out/job-{_jobs++:0000}/";
}

/// <summary>Jobs in a bucket.</summary>
internal class S3DataSet(S3Bucket bucket) : HadoopDataSet
{
    public override IPEndPoint Server => new(IPAddress.Loopback, bucket.Url.Port);

    public S3Bucket Bucket => bucket;

    public override HadoopOptions Options => base.Options with
    {
        Endpoint = bucket.Url.AbsoluteUri, Bucket = bucket.Name, AccessKey = new Secret("test"), SecretKey = new Secret("test"),
    };

    public override HadoopSource Open(SourceKnobs knobs, HadoopOptions options, ILogger<HadoopSource>? log = null, TimeProvider? time = null)
    {
        if (knobs.Through is { } proxy) options = options with { Endpoint = $"http://{proxy}" };
        if (knobs.Timeout is { } timeout) options = options with { Timeout = timeout };
        return base.Open(knobs, options, log, time);
    }

    public override Task WriteAsync(string path, byte[] content, CancellationToken ct) => bucket.PutAsync(path, content, ct);

    public override Task RemoveAsync(string path, CancellationToken ct) => bucket.DeleteAsync(path, ct);

    public override async ValueTask DisposeAsync()
    {
        await bucket.DisposeAsync();
        await base.DisposeAsync();
    }
}

/// <summary>Jobs in a folder.</summary>
internal class FolderDataSet : HadoopDataSet
{
    private readonly TemporaryFolder _folder = new();

    public override HadoopOptions Options => base.Options with { Path = _folder.Path };

    public string Root => _folder.Path;

    public override async Task WriteAsync(string path, byte[] content, CancellationToken ct)
    {
        var file = _folder.File(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllBytesAsync(file, content, ct);
    }

    public override Task RemoveAsync(string path, CancellationToken ct)
    {
        File.Delete(_folder.File(path));
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return base.DisposeAsync();
    }
}

/// <summary>Jobs in a bucket that write keys and values.</summary>
internal sealed class KeyValueBucket(S3Bucket bucket) : S3DataSet(bucket)
{
    public override HadoopOptions Options => base.Options with { Format = HadoopFormat.KeyValue };
}

/// <summary>Jobs in a folder that write keys and values.</summary>
internal sealed class KeyValueFolder : FolderDataSet
{
    public override HadoopOptions Options => base.Options with { Format = HadoopFormat.KeyValue };
}
