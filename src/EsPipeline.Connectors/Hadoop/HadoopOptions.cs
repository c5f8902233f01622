using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>What the lines of the part files are.</summary>
public enum HadoopFormat
{
    /// <summary><c>label@YYYY-MM-DD HH:MM</c>, a tab, a count, and perhaps a tab and times.</summary>
    ObjectCounts,

    /// <summary>A key, a tab and a value, as <c>TextOutputFormat</c> writes them.</summary>
    KeyValue,

    /// <summary>A JSON object a line.</summary>
    [AlsoKnownAs("json-lines", "ndjson")]
    Jsonl,

    /// <summary>CSV.</summary>
    Csv,
}

/// <summary>Where the output of Hadoop jobs lies, and how it is read.</summary>
public sealed partial record HadoopOptions : IValidatedOptions, IEffectiveOptions
{
    /// <summary>The S3 service.</summary>
    [Option("--s3-endpoint", "Address of the S3 service", Environment = ["S3_ENDPOINT_URL", "HETZNER_S3_ENDPOINT_URL"], Value = "URL", Default = "AWS", Address = true)]
    public string? Endpoint { get; init; }

    /// <summary>The bucket.</summary>
    [Option("--s3-bucket", "Bucket with the job folders", Environment = ["S3_BUCKET_NAME", "HETZNER_S3_BUCKET_NAME"], Value = "NAME", NamesJob = true,
        GivesWayTo = ["--hadoop-path"])]
    public string? Bucket { get; init; }

    /// <summary>What the keys begin with.</summary>
    [Option("--s3-prefix", "Only keys that begin with this; end it with / for one folder", Environment = ["S3_PREFIX"], Value = "TEXT", NamesJob = true)]
    public string Prefix { get; init; } = "";

    /// <summary>The access key.</summary>
    [Option("--s3-access-key", "Access key", Environment = ["S3_ACCESS_KEY", "HETZNER_S3_ACCESS_KEY"], Default = "the AWS chain: environment, profile, role")]
    public Secret? AccessKey { get; init; }

    /// <summary>The secret key.</summary>
    [Option("--s3-secret-key", "Secret key", Environment = ["S3_SECRET_KEY", "HETZNER_S3_SECRET_KEY"], Default = "the AWS chain: environment, profile, role")]
    public Secret? SecretKey { get; init; }

    /// <summary>The region.</summary>
    [Option("--s3-region", "Region that requests are signed for", Environment = ["S3_REGION"], Value = "NAME", Default = "the AWS chain's, or us-east-1")]
    public string? Region { get; init; }

    /// <summary>The bucket stands in the path.</summary>
    [Option("--s3-path-style", "Put the bucket into the path, not into the host name", Environment = ["S3_PATH_STYLE"], Default = "on where --s3-endpoint is given")]
    public bool? PathStyle { get; init; }

    /// <summary>Who asks pays.</summary>
    [Option("--s3-request-payer", "Pay for the requests, where the bucket's owner lets others read only so", Environment = ["S3_REQUEST_PAYER"])]
    public bool RequestPayer { get; init; }

    /// <summary>The longest silence of the service.</summary>
    [Option("--s3-timeout", "The longest that the service may be silent", Min = 1, Max = 86_400)]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A folder in place of a bucket.</summary>
    [Option("--hadoop-path", "Folder with the job folders, in place of a bucket", Environment = ["HADOOP_PATH"], Value = "FOLDER", NamesJob = true, GivesWayTo = ["--s3-bucket"])]
    public string? Path { get; init; }

    /// <summary>What the lines are.</summary>
    [Option("--hadoop-format", "What the lines of the part files are", Environment = ["HADOOP_FORMAT"], Identity = true)]
    public HadoopFormat Format { get; init; } = HadoopFormat.ObjectCounts;

    /// <summary>The key of jsonl and csv.</summary>
    [Option("--hadoop-id-field", "In jsonl and csv, the field or column with the key; @line for the file's name and the line's number", Value = "FIELD",
        Identity = true)]
    public string IdField { get; init; } = "id";

    /// <summary>What separates values.</summary>
    [Option("--hadoop-csv-delimiter", "In csv, what separates values; tab for a tab", Value = "CHARACTER", Identity = true)]
    public string CsvDelimiter { get; init; } = ",";

    /// <summary>The column that may hold a document.</summary>
    [Option("--hadoop-csv-content-column", "In csv, the column whose JSON object, where it holds one, is the document instead of the row", Value = "COLUMN", Identity = true)]
    public string CsvContentColumn { get; init; } = "content";

    /// <summary>The part files have no header.</summary>
    [Option("--hadoop-csv-no-header", "In csv, the first line of each part file is a record; columns are then called column_1, column_2 and so on",
        Identity = true)]
    public bool CsvNoHeader { get; init; }

    /// <summary>The most part files in one pass.</summary>
    [Option("--max-files", "Read so many part files in one run, and the next ones in the next; in continuous mode at each look", Environment = ["MAX_FILES"], Min = 1,
        Default = "all")]
    public int? MaxFiles { get; init; }

    /// <summary>Jobs have to be finished.</summary>
    [Option("--require-success", "Read a job's folder only once it holds _SUCCESS; false reads what is there", Environment = ["REQUIRE_SUCCESS"], Identity = true)]
    public bool RequireSuccess { get; init; } = true;

    /// <summary>The endpoint as a URL; https where it names no scheme.</summary>
    internal Uri? EndpointUrl => Endpoint is null ? null
        : Uri.TryCreate(Endpoint.Contains("://", StringComparison.Ordinal) ? Endpoint : "https://" + Endpoint, UriKind.Absolute, out var url) ? url
        : null;

    /// <summary>The index that the analytics API reads counts from; null for other documents.</summary>
    internal string? UsualTarget => Format == HadoopFormat.ObjectCounts ? "hadoop-object-counts-v1" : null;

    /// <summary>How CSV is read.</summary>
    internal CsvOptions Csv => new()
    {
        Files = ["-"], IdColumn = IdField, ContentColumn = CsvContentColumn, Delimiter = CsvDelimiter, NoHeader = CsvNoHeader, IsOfPartFiles = true,
    };

    /// <summary>How JSON Lines are read.</summary>
    internal JsonLinesOptions JsonLines => new() { Files = ["-"], IdField = IdField };

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Effective
    {
        get
        {
            var url = EndpointUrl ?? new Uri("https://s3.amazonaws.com");
            var client = "aws"
                + (EndpointUrl is null ? "" : $" --endpoint-url {ShellText.Quote(url.GetLeftPart(UriPartial.Path))}")
                + (Region is null ? "" : $" --region {ShellText.Quote(Region)}");
            yield return KeyValuePair.Create("hadoop-url", ShellText.Quote(url.GetLeftPart(UriPartial.Path)));
            yield return KeyValuePair.Create("hadoop-host", ShellText.Quote(url.Host));
            yield return KeyValuePair.Create("hadoop-port", url.Port.ToString(CultureInfo.InvariantCulture));
            yield return KeyValuePair.Create("hadoop-client", client);
            yield return KeyValuePair.Create(
                "hadoop-list", Path is null ? $"{client} s3 ls --recursive {ShellText.Quote($"s3://{Bucket}/{Prefix}")}" : $"ls -lR {ShellText.Quote(Path)}");
        }
    }

    /// <inheritdoc/>
    public IEnumerable<string> Mistakes()
    {
        if (Bucket is null == Path is null) yield return "--s3-bucket: give a bucket, or a folder with --hadoop-path.";
        if (Bucket is not null && (!BucketName().IsMatch(Bucket) || Bucket.Contains("..", StringComparison.Ordinal))) yield return $"--s3-bucket: '{Bucket}' can't be a bucket's name.";
        if (Endpoint is not null && EndpointUrl is not { Scheme: "http" or "https", UserInfo: "", Query: "" })
        {
            yield return "--s3-endpoint: give an address such as https://s3.example.org, without user or password.";
        }

        if (Endpoint is null && AccessKey?.Reveal().StartsWith("ASIA", StringComparison.Ordinal) == true)
        {
            yield return "--s3-access-key: a key that begins with ASIA is a temporary one and of no use without its session token: give all three as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.";
        }

        if (AccessKey is null != SecretKey is null) yield return "--s3-access-key and --s3-secret-key: give both, or neither for the AWS chain.";
        if (Encoding.UTF8.GetByteCount(Prefix) > 1024) yield return "--s3-prefix: a key has at most 1,024 bytes.";
        foreach (var mistake in Csv.Mistakes()) yield return mistake.Replace("--csv-", "--hadoop-csv-", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]\z", RegexOptions.NonBacktracking)]
    private static partial Regex BucketName();
}
