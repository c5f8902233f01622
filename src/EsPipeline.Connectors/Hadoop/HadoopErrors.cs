using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>What can be wrong with the output of Hadoop jobs.</summary>
public static class HadoopErrors
{
    /// <summary>The service refuses the keys or the request.</summary>
    public static readonly ErrorCode Denied = new(
        "hadoop.denied", FailureKind.Environment, "The S3 service refuses to show the data.",
        "Check S3_ACCESS_KEY and S3_SECRET_KEY, and that the key may list the bucket (s3:ListBucket) and read its objects (s3:GetObject, and kms:Decrypt where they are encrypted with a key of KMS); where the one who asks pays, --s3-request-payer.")
    {
        Steps =
        [
            "Try it by hand, with the same keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: `{hadoop-list}`",
            "See which origin each value has: the same command with `--config-check`",
        ],
    };

    /// <summary>An object is archived, or encrypted with a key that is not at hand.</summary>
    public static readonly ErrorCode Locked = new(
        "hadoop.locked", FailureKind.Environment, "An object is archived, or encrypted with a key that can't be used here.",
        "Restore it, or copy it without a key of its writer's own; or move it out of the job's folder.")
    {
        Steps = ["See how it is stored; KEY is the object in the message: `{hadoop-client} s3api head-object --bucket {--s3-bucket} --key KEY`"],
    };

    /// <summary>There are no keys.</summary>
    public static readonly ErrorCode NoCredentials = new(
        "hadoop.no_credentials", FailureKind.Environment, "Neither the options nor the AWS chain gives an access key.",
        "Set S3_ACCESS_KEY and S3_SECRET_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role.")
    {
        Steps =
        [
            "See what the AWS chain gives: `aws configure list`",
            "Give the keys: `export S3_ACCESS_KEY=… S3_SECRET_KEY=…`",
        ],
    };

    /// <summary>No such bucket.</summary>
    public static readonly ErrorCode NoBucket = new(
        "hadoop.no_bucket", FailureKind.Environment, "The S3 service has no bucket of that name.", "Check S3_BUCKET_NAME and S3_ENDPOINT_URL.")
    {
        Steps = ["See which buckets the key sees: `{hadoop-client} s3 ls`"],
    };

    /// <summary>The bucket is in another region or at another address.</summary>
    public static readonly ErrorCode Elsewhere = new(
        "hadoop.elsewhere", FailureKind.Environment, "The bucket is in another region, or at another address.", "Set --s3-region, and S3_ENDPOINT_URL where it has its own.")
    {
        Steps = ["See where the bucket is: `{hadoop-client} s3api get-bucket-location --bucket {--s3-bucket}`"],
    };

    /// <summary>The connection can't be trusted.</summary>
    public static readonly ErrorCode Tls = new(
        "hadoop.tls", FailureKind.Environment, "The S3 service's certificate can't be trusted.",
        "Check the address, or add the certificate's issuer to this machine's trusted ones.")
    {
        Steps = ["Look at the certificate that the service shows: `openssl s_client -connect {hadoop-host}:{hadoop-port} -servername {hadoop-host} </dev/null | openssl x509 -noout -subject -issuer -dates`"],
    };

    /// <summary>The service asks for less.</summary>
    public static readonly ErrorCode Throttled = new(
        "hadoop.throttled", FailureKind.Transient, "The S3 service asks for fewer requests.", "Nothing: espipe waits and goes on.")
    {
        Steps = ["Where it stays, read with fewer readers: `--threads 1`"],
    };

    /// <summary>The service can't be reached, or does not answer in time.</summary>
    public static readonly ErrorCode Unreachable = new(
        "hadoop.unreachable", FailureKind.Transient, "The S3 service can't be reached, broke off or is silent.", "Check S3_ENDPOINT_URL and the network.")
    {
        Steps = ["See whether the service answers this machine: `curl -sSI {hadoop-url}`"],
    };

    /// <summary>The service answers with something else.</summary>
    public static readonly ErrorCode Refused = new(
        "hadoop.refused", FailureKind.Environment, "The S3 service refuses the request, or what answers is no S3 service.", "Check S3_ENDPOINT_URL.")
    {
        Steps = ["See what answers: `curl -sSi {hadoop-url}`"],
    };

    /// <summary>The folder is not there.</summary>
    public static readonly ErrorCode NoFolder = new(
        "hadoop.no_folder", FailureKind.Environment, "The folder with the jobs is not there.", "Check --hadoop-path.")
    {
        Steps = ["See what is there: `ls -lad {--hadoop-path}`"],
    };

    /// <summary>A symbolic link leads nowhere.</summary>
    public static readonly ErrorCode BrokenLink = new(
        "hadoop.broken_link", FailureKind.Environment, "A symbolic link among the part files leads nowhere.", "Bring back what it leads to, or remove the link.")
    {
        Steps =
        [
            "See the links and where they lead: `{hadoop-list}`",
            "Once you have brought back the file that the link leads to, or removed the link, see that all is well: the same command as `espipe plan`",
        ],
    };

    /// <summary>A file can't be read.</summary>
    public static readonly ErrorCode Unreadable = new(
        "hadoop.unreadable", FailureKind.Environment, "A file can't be read.", "Check that this user may read it.")
    {
        Steps =
        [
            "See who may read it: `{hadoop-list}`",
            "See who you are: `id`",
        ],
    };

    /// <summary>The job's files change while they are read.</summary>
    public static readonly ErrorCode Changing = new(
        "hadoop.changing", FailureKind.Transient, "A part file is not there any more, or another one, though the list says that it is the same.",
        "Wait until the job has been written, or look for a program that removes its files.")
    {
        Steps = ["See which files there are now, and from when: `{hadoop-list}`"],
    };

    /// <summary>The compression is not known.</summary>
    public static readonly ErrorCode UnknownPacking = new(
        "hadoop.unknown_packing", FailureKind.Environment, "A part file is packed in a way, or of a kind, that espipe can't read.",
        "Let the job write plain text, or gz, bz2, zst, snappy or deflate; or move the file out of the job's folder.")
    {
        Steps = ["See which files there are: `{hadoop-list}`"],
    };

    /// <summary>A packed file is damaged.</summary>
    public static readonly ErrorCode Damaged = new(
        "hadoop.damaged", FailureKind.Environment, "A packed part file can't be unpacked to its end.",
        "Run the job again, or put a whole copy in the file's place; records before the damage may have been copied.")
    {
        Steps = ["See how large the file is, compared with the others: `{hadoop-list}`"],
    };

    /// <summary>A line of object counts is not one.</summary>
    public static readonly ErrorCode NotACount = new(
        "hadoop.not_a_count", FailureKind.Permanent, "A line is not of the form 'label@YYYY-MM-DD HH:MM', tab, count, and perhaps tab and times.",
        "Mend the line and the job that wrote it.")
    {
        Steps =
        [
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
            "Where the lines are of another kind than {--hadoop-format}, say which: `--hadoop-format key-value`",
        ],
    };

    /// <summary>A line has no key.</summary>
    public static readonly ErrorCode NoKey = new(
        "hadoop.no_key", FailureKind.Permanent, "A line begins with its tab, so that it has no key.", "Mend the line and the job that wrote it.")
    {
        Steps = ["See what else would be refused, with nothing written: the same command as `espipe plan`"],
    };
}
