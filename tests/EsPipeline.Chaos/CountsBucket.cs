using System.Globalization;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace EsPipeline.Chaos;

/// <summary>A bucket of the real S3 server with the output of Hadoop jobs that have counted objects; gone when the test is.</summary>
internal sealed class CountsBucket : IAsyncDisposable
{
    /// <summary>Labels that a path, a query, a tab-separated line or a shell might take for something else.</summary>
    public static readonly string[] Labels =
    [
        "a@b", "@", "name@2024-01-01 00:00", "two  spaces", " leading", "käse", "世界", "😀 grin", "50%25", "a+b&c=d", "path/../x", "\"quoted\"", "C:\\new", "*", "_all", "#", "plain",
        "Plain", "PLAIN", "e\u0301", "\u00e9",
    ];

    private readonly AmazonS3Client _client = new(
        new BasicAWSCredentials("test", "test"),
        new AmazonS3Config { ServiceURL = TestServers.S3.AbsoluteUri, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);

    /// <summary>Its name.</summary>
    public string Name { get; } = $"chaos-{Guid.NewGuid():n}";

    /// <summary>Makes it.</summary>
    public async Task CreateAsync() => await _client.PutBucketAsync(Name);

    /// <summary>Puts a part file of a job, or puts another in its place.</summary>
    /// <param name="job">The job's folder.</param>
    /// <param name="part">The part's number.</param>
    /// <param name="first">The number of its first line; a line's number decides on its label, its time and its count.</param>
    /// <param name="lines">How many lines it has.</param>
    /// <param name="times">What each count is multiplied with.</param>
    /// <param name="bad">A line more, that is none.</param>
    public Task PutPartAsync(string job, int part, int first, int lines, int times, string? bad = null)
    {
        var text = new StringBuilder();
        for (var i = first; i < first + lines; i++)
        {
            var bucket = DateTime.UnixEpoch.AddDays(19_723).AddMinutes(i / Labels.Length).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            text.Append(Labels[i % Labels.Length]).Append('@').Append(bucket).Append('\t').Append(i % 97 * times);
            text.Append(i % 3 == 0 ? "\t2024-01-01T00:00:01Z,2024-01-01T00:00:02Z\n" : "\n");
        }

        var name = $"{job}/part-r-{part:00000}";
        _files[name] = text.ToString();
        return PutAsync(name, text.Append(bad).ToString());
    }

    /// <summary>Marks a job as finished.</summary>
    public Task FinishAsync(string job) => PutAsync($"{job}/_SUCCESS", "");

    /// <summary>The sums of some jobs' counts by label, added up from the lines of their files.</summary>
    public Dictionary<string, long> Sums(params string[] jobs)
    {
        var sums = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, text) in _files)
        {
            if (!jobs.Contains(name.Split('/')[0])) continue;
            foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var fields = line.Split('\t');
                var label = fields[0][..fields[0].LastIndexOf('@')];
                sums[label] = sums.GetValueOrDefault(label) + long.Parse(fields[1], CultureInfo.InvariantCulture);
            }
        }

        return sums;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var entry in (await _client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Name })).S3Objects ?? []) await _client.DeleteObjectAsync(Name, entry.Key);
        await _client.DeleteBucketAsync(Name);
        _client.Dispose();
    }

    private async Task PutAsync(string key, string text)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        await _client.PutObjectAsync(new PutObjectRequest { BucketName = Name, Key = key, InputStream = content });
    }
}
