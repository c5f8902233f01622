using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>What can be said of a job's place, and what is wrong with it.</summary>
public sealed class HadoopOptionsTests
{
    private const string Secret = "S3cr3t!%40/:?#";

    [Fact]
    public void The_names_of_existing_jobs_are_read()
    {
        var binder = Binder(new()
        {
            ["S3_ENDPOINT_URL"] = "https://fsn1.example.org", ["S3_BUCKET_NAME"] = "counts", ["HETZNER_S3_ACCESS_KEY"] = "key", ["HETZNER_S3_SECRET_KEY"] = Secret,
        });
        var options = binder.Bind<HadoopOptions>();
        Assert.Empty(binder.Mistakes);
        Assert.Equal(("https://fsn1.example.org/", "counts", "key", Secret), (options.EndpointUrl!.AbsoluteUri, options.Bucket, options.AccessKey!.Reveal(), options.SecretKey!.Reveal()));
        Assert.DoesNotContain(binder.Values, v => OptionDefinition.Format(v.Value).Contains(Secret, StringComparison.Ordinal));
        Assert.DoesNotContain(Secret, options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "--s3-bucket: give a bucket")]
    [InlineData("S3_BUCKET_NAME=b1c HADOOP_PATH=x", "--s3-bucket: give a bucket")]
    [InlineData("S3_BUCKET_NAME=../etc", "can't be a bucket's name")]
    [InlineData("S3_BUCKET_NAME=a/b/c", "can't be a bucket's name")]
    [InlineData("S3_BUCKET_NAME=a..bc", "can't be a bucket's name")]
    [InlineData("S3_BUCKET_NAME=abc S3_ENDPOINT_URL=http://u:S3cr3t!@host", "--s3-endpoint")]
    [InlineData("S3_BUCKET_NAME=abc S3_ENDPOINT_URL=file:///etc", "--s3-endpoint")]
    [InlineData("S3_BUCKET_NAME=abc S3_ACCESS_KEY=k", "give both")]
    [InlineData("S3_BUCKET_NAME=abc S3_ACCESS_KEY=ASIAEXAMPLE S3_SECRET_KEY=S3cr3t!", "AWS_SESSION_TOKEN")]
    [InlineData("HADOOP_PATH=x HADOOP_FORMAT=parquet", "one of object-counts, key-value, jsonl, csv")]
    [InlineData("HADOOP_PATH=x MAX_FILES=0", "at least 1")]
    public void Each_mistake_is_told(string environment, string expected)
    {
        var binder = Binder(environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]));
        binder.Bind<HadoopOptions>();
        Assert.Contains(expected, Assert.Single(binder.Mistakes), StringComparison.Ordinal);
        Assert.DoesNotContain("S3cr3t!", string.Concat(binder.Mistakes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("S3_BUCKET_NAME=abc S3_ACCESS_KEY=AKIAEXAMPLE S3_SECRET_KEY=k")]
    [InlineData("S3_BUCKET_NAME=abc S3_ACCESS_KEY=ASIAEXAMPLE S3_SECRET_KEY=k S3_ENDPOINT_URL=https://fsn1.example.org")]
    public void Keys_that_are_none_of_AWS_s_temporary_ones_are_taken(string environment)
    {
        var binder = Binder(environment.Split(' ').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]));
        binder.Bind<HadoopOptions>();
        Assert.Empty(binder.Mistakes);
    }

    private static OptionBinder Binder(Dictionary<string, string> environment) =>
        new(new Dictionary<string, IReadOnlyList<string>>(), environment, new Dictionary<string, string>(), DateTimeOffset.UnixEpoch);
}
