using System.Net;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;

namespace EsPipeline.Core.Configuration;

/// <summary>How much is logged.</summary>
public enum LogVerbosity
{
    /// <summary>Everything, the causes of errors included.</summary>
    [AlsoKnownAs("trace", "verbose")]
    Debug,

    /// <summary>What a person who watches wants to know.</summary>
    [AlsoKnownAs("information")]
    Info,

    /// <summary>Only what may need attention.</summary>
    [AlsoKnownAs("warn")]
    Warning,

    /// <summary>Only failures.</summary>
    [AlsoKnownAs("critical", "fatal")]
    Error,
}

/// <summary>How log lines look.</summary>
public enum LogFormat
{
    /// <summary>A line of text.</summary>
    Text,

    /// <summary>A JSON object a line.</summary>
    Json,
}

/// <summary>What a run does, besides the modes of the pipeline.</summary>
public enum RunMode
{
    /// <summary><see cref="PipelineMode.Continuous"/>.</summary>
    Continuous,

    /// <summary><see cref="PipelineMode.Single"/>.</summary>
    Single,

    /// <summary><see cref="PipelineMode.FullSync"/>.</summary>
    FullSync,

    /// <summary><see cref="PipelineMode.Custom"/>.</summary>
    Custom,

    /// <summary>Checks both ends and the state store, and writes nothing.</summary>
    HealthCheck,
}

/// <summary>The options of a run that do not belong to one system.</summary>
public sealed record RunOptions : IValidatedOptions, IOptionsWithOrigins
{
    /// <summary>The source's name.</summary>
    [Option("--source", "Where records come from", Aliases = ["--source-type"], Environment = ["ESPIPE_SOURCE"], Value = "NAME")]
    public string Source { get; init; } = "elasticsearch";

    /// <summary>The sink's name.</summary>
    [Option("--sink", "Where records go", Aliases = ["--sink-type"], Environment = ["ESPIPE_SINK"], Value = "NAME")]
    public string Sink { get; init; } = "firestore";

    /// <summary>The mode; null where the command line does not say.</summary>
    [Option("--mode", "What is read, and when the run ends", Environment = ["ESPIPE_MODE"],
        Default = "continuous where the source can be followed, else full-sync; full-sync for a bounded selection, too")]
    public RunMode? Mode { get; init; }

    /// <summary>The job's name; null to make one from the ends.</summary>
    [Option("--job", "Name under which positions, dead letters and history are kept", Aliases = ["--pipeline-id"],
        Environment = ["ESPIPE_JOB"], Value = "NAME", Default = "from source and sink")]
    public string? Job { get; init; }

    /// <summary>A query in the source's own language.</summary>
    [Option("--query", "Which records, as Elasticsearch query DSL (JSON) or SQL", Environment = ["ESPIPE_QUERY"], Value = "QUERY", GivesWayTo = ["--query-file", "--match-all"])]
    public string? Query { get; init; }

    /// <summary>A file that holds the query.</summary>
    [Option("--query-file", "File that holds the query", Value = "FILE")]
    public string? QueryFile { get; init; }

    /// <summary>The earliest time.</summary>
    [Option("--since", "Only records whose time field is at or after this time or age", Aliases = ["--gte"], Default = "all; 5m in a first --mode single")]
    public TimeText? Since { get; init; }

    /// <summary>The latest time.</summary>
    [Option("--until", "Only records whose time field is at or before this time or age; 2024-01-31 is the whole day, 23:59:59 the whole second", Aliases = ["--lte"])]
    public TimeText? Until { get; init; }

    /// <summary>The time field.</summary>
    [Option("--timestamp-field", "Field that --since and --until look at", Environment = ["ESPIPE_TIMESTAMP_FIELD"], Value = "FIELD")]
    public string TimestampField { get; init; } = "@timestamp";

    /// <summary>How far a read by time reaches back.</summary>
    [Option("--overlap", "How far each read by timestamp reaches back over the one before, for records that arrived late; Postgres instead reads up to so long ago only",
        Default = "2m; Postgres 1s")]
    public TimeSpan? Overlap { get; init; }

    /// <summary>How far that is where nothing is said.</summary>
    public static TimeSpan DefaultOverlap { get; } = TimeSpan.FromMinutes(2);

    /// <summary>Exactly this many records.</summary>
    [Option("--limit", "Exactly this many records, whatever --threads", Min = 1, Default = "all", Identity = true)]
    public long? Limit { get; init; }

    /// <summary>Everything, once.</summary>
    [Option("--match-all", "Everything, once")]
    public bool MatchAll { get; init; }

    /// <summary>Readers at once.</summary>
    [Option("--threads", "Partitions read at once", Environment = ["ESPIPE_THREADS"], Min = 1, Max = 256, Default = "cores, 2 to 8")]
    public int Threads { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>Records in a write at first.</summary>
    [Option("--batch-size", "Records in a write to begin with", Environment = ["BATCH_SIZE"], Min = 1, Max = 1_000_000, Default = "by sink")]
    public int? BatchSize { get; init; }

    /// <summary>Records in a write at least.</summary>
    [Option("--min-batch-size", "Records in a write at least", Environment = ["MIN_BATCH_SIZE"], Min = 1, Max = 1_000_000, Default = "by sink")]
    public int? MinBatchSize { get; init; }

    /// <summary>Records in a write at most.</summary>
    [Option("--max-batch-size", "Records in a write at most", Environment = ["MAX_BATCH_SIZE"], Min = 1, Max = 1_000_000, Default = "by sink")]
    public int? MaxBatchSize { get; init; }

    /// <summary>The pause between passes.</summary>
    [Option("--interval", "Pause between two looks for changes in continuous mode",
        Environment = ["POLLING_INTERVAL_SECONDS", "SYNC_INTERVAL", "ETL_CYCLE_SEC"], Max = OptionAttribute.LongestTimer)]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Records a second.</summary>
    [Option("--rate-limit", "Records a second at most; 0 for no limit", Environment = ["RATE_LIMIT"], Min = 0, Default = "none")]
    public double? RateLimit { get; init; }

    /// <summary>Tries after the first.</summary>
    [Option("--max-retries", "Tries after the first, for failures that may pass", Environment = ["MAX_RETRIES"], Min = 0, Max = 1_000_000)]
    public int MaxRetries { get; init; } = 10;

    /// <summary>The first pause.</summary>
    [Option("--retry-delay", "Pause before the second try, doubled each time up to a minute", Environment = ["RETRY_DELAY_SECONDS"], Max = OptionAttribute.LongestTimer)]
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The time for all tries.</summary>
    [Option("--retry-budget", "Time that all tries of one read or write may take together")]
    public TimeSpan RetryBudget { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Records that may be set aside.</summary>
    [Option("--max-dead-letters", "Records that may be set aside before the run stops as failed", Min = 0)]
    public long MaxDeadLetters { get; init; } = 1000;

    /// <summary>Where records are set aside.</summary>
    [Option("--dead-letters", "File for records that are set aside", Value = "FILE", Default = "in the state folder")]
    public string? DeadLetters { get; init; }

    /// <summary>Where state is kept.</summary>
    [Option("--state", "Folder for positions, dead letters and history, or postgres://user@host/database for all but the dead letters", Environment = ["ESPIPE_STATE"], Value = "FOLDER|URL", Address = true)]
    public string State { get; init; } = "./.espipe";

    /// <summary>How often positions are saved.</summary>
    [Option("--checkpoint-interval", "How often positions are saved while records flow", Max = OptionAttribute.LongestTimer)]
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Memory for reading ahead.</summary>
    [Option("--read-ahead-mb", "Memory that readers may be ahead of writers, in MiB", Min = 1, Max = 65_536)]
    public int ReadAheadMegabytes { get; init; } = 64;

    /// <summary>The part of all keys that this process copies.</summary>
    [Option("--shard", "Part I of N of all keys, for several processes at once: 0/4", Environment = ["ESPIPE_SHARD"], Value = "I/N", Default = "0/1")]
    public string? Shard { get; init; }

    /// <summary>The number of this pod.</summary>
    [Option("", "Number of this process where --shard is not given (set by a Kubernetes indexed job)", Environment = ["JOB_COMPLETION_INDEX"], Min = 0, Max = 100_000)]
    public int? ShardIndex { get; init; }

    /// <summary>The number of pods.</summary>
    [Option("", "Number of processes where --shard is not given", Environment = ["ESPIPE_SHARDS"], Min = 1, Max = 100_000)]
    public int? Shards { get; init; }

    /// <summary>The longest run.</summary>
    [Option("--max-runtime", "Longest time for the run; it then stops as at Ctrl-C", Default = "none", Max = OptionAttribute.LongestTimer)]
    public TimeSpan? MaxRuntime { get; init; }

    /// <summary>The longest drain.</summary>
    [Option("--shutdown-timeout", "Time for finishing what is in flight when stopped", Max = OptionAttribute.LongestTimer)]
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The field that is the key.</summary>
    [Option("--id-field", "Field of the document to use as its key, instead of the source's own", Value = "FIELD", Identity = true)]
    public string? IdField { get; init; }

    /// <summary>Fields to keep.</summary>
    [Option("--fields", "Fields to keep; a dot goes into an object", Value = "A,B.C", Identity = true)]
    public IReadOnlyList<string> Fields { get; init; } = [];

    /// <summary>Fields to leave out.</summary>
    [Option("--exclude-fields", "Fields to leave out; a dot goes into an object", Value = "A,B.C", Identity = true)]
    public IReadOnlyList<string> ExcludeFields { get; init; } = [];

    /// <summary>Fields to rename.</summary>
    [Option("--rename", "Fields to rename", Value = "OLD=NEW,…", Identity = true)]
    public IReadOnlyList<string> Rename { get; init; } = [];

    /// <summary>Fields to set.</summary>
    [Option("--set", "Fields to set in every document; JSON, or text where it is not JSON", Value = "FIELD=VALUE", Repeated = true, Identity = true)]
    public IReadOnlyList<string> Set { get; init; } = [];

    /// <summary>How much is logged.</summary>
    [Option("--log-level", "Least important log lines that are written", Environment = ["LOG_LEVEL"])]
    public LogVerbosity LogLevel { get; init; } = LogVerbosity.Info;

    /// <summary>The log file.</summary>
    [Option("--log-file", "Log file, kept to five of 10 MiB; 'none' for no file", Environment = ["LOG_FILE"], Value = "FILE")]
    public string LogFile { get; init; } = "pipeline.log";

    /// <summary>How log lines look.</summary>
    [Option("--log-format", "How log lines look", Environment = ["LOG_FORMAT"])]
    public LogFormat LogFormat { get; init; } = LogFormat.Text;

    /// <summary>Only warnings and errors on the screen.</summary>
    [Option("--quiet", "Only warnings, errors and the account on the screen")]
    public bool Quiet { get; init; }

    /// <summary>No live line.</summary>
    [Option("--no-progress", "No live progress line, even on a terminal")]
    public bool NoProgress { get; init; }

    /// <summary>Where metrics can be read; null for nowhere.</summary>
    [Option("--metrics-port", "Port at which Prometheus can read metrics, at /metrics; 0 for any free one, which the log names", Environment = ["METRICS_PORT"], Min = 0, Max = 65_535, Default = "off")]
    public int? MetricsPort { get; init; }

    /// <summary>The address of that port; <c>localhost</c> for the first of the loopback.</summary>
    [Option("--metrics-host", "Address of that port; 0.0.0.0 for all of this machine's", Environment = ["METRICS_HOST"], Value = "ADDRESS")]
    public string MetricsHost { get; init; } = "127.0.0.1";

    /// <summary><see cref="MetricsHost"/> as an address; null where it is none.</summary>
    public IPAddress? MetricsAddress => IPAddress.TryParse(MetricsHost == "localhost" ? "127.0.0.1" : MetricsHost, out var address) ? address : null;

    /// <summary>Errors with what to do.</summary>
    [Option("--simple-errors", "After an error, what it means and what to do, as a numbered list with commands")]
    public bool SimpleErrors { get; init; }

    /// <summary>Errors with what a language model makes of them.</summary>
    [Option("--ai-errors", "The same in the words of a language model, which is sent the error without records, secrets and hosts; the list where it does not answer in 10 s")]
    public bool AiErrors { get; init; }

    /// <summary>The key of the model's interface.</summary>
    [Option("", "Key of the Anthropic API, for --ai-errors", Environment = ["ANTHROPIC_API_KEY"])]
    public Secret? AnthropicKey { get; init; }

    /// <summary>The address of the model's interface.</summary>
    [Option("", "Address of the Anthropic API, for --ai-errors", Environment = ["ANTHROPIC_BASE_URL"], Value = "URL", Default = "https://api.anthropic.com", Address = true)]
    public string? AnthropicUrl { get; init; }

    /// <summary>The model.</summary>
    [Option("", "Language model for --ai-errors", Environment = ["ESPIPE_AI_MODEL"], Value = "MODEL")]
    public string AiModel { get; init; } = "claude-haiku-5-5";

    /// <inheritdoc/>
    public Func<string, OptionOrigin> OriginOf { get; set; } = _ => OptionOrigin.Default;

    /// <summary>Records in a write; of two sizes that contradict each other, the one that was given in the weaker place follows the other.</summary>
    public (int? Start, int? Min, int? Max) BatchSizes
    {
        get
        {
            var (start, min, max) = (BatchSize, MinBatchSize, MaxBatchSize);
            if (min > max) (min, max) = Agreed("--min-batch-size", min, "--max-batch-size", max);
            if (start < min) (start, min) = Agreed("--batch-size", start, "--min-batch-size", min);
            if (start > max) (start, max) = Agreed("--batch-size", start, "--max-batch-size", max);
            return (start, min, max);
        }
    }

    private (int? One, int? Other) Agreed(string oneName, int? one, string otherName, int? other) =>
        OriginOf(oneName) > OriginOf(otherName) ? (one, one) : OriginOf(oneName) < OriginOf(otherName) ? (other, other) : (one, other);

    /// <inheritdoc/>
    public IEnumerable<string> Mistakes()
    {
        if (Query is not null && QueryFile is not null) yield return "--query and --query-file: give one of them.";
        if (MatchAll && (Query ?? QueryFile) is not null) yield return "--match-all and --query: give one of them.";
        if (Since is not null && Until is not null && Since.Instant > Until.Last) yield return "--since: it is later than --until.";
        var (start, min, max) = BatchSizes;
        if (min > max) yield return "--min-batch-size: it is greater than --max-batch-size.";
        if (start < min) yield return "--batch-size: it is less than --min-batch-size.";
        if (start > max) yield return "--batch-size: it is greater than --max-batch-size.";
        var isWeb = AnthropicUrl is null || (Uri.TryCreate(AnthropicUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https");
        if (!isWeb) yield return "ANTHROPIC_BASE_URL: it is not an address that begins with http:// or https://.";
        if (MetricsAddress is null) yield return $"--metrics-host: '{MetricsHost}' is not an IP address.";
        if (RateLimit is > 0 and < 0.001) yield return "--rate-limit: it is less than 0.001; 0 means no limit.";
        if (Job is not null && !JobName.IsValid(Job)) yield return $"--job: '{Job}' can't be a job's name: that is up to 100 letters, digits, '.', '_' and '-', and begins with no dot.";
        if (Mode == RunMode.Custom && (Query ?? QueryFile) is null) yield return "--mode custom: it needs --query or --query-file.";
        if (Mode == RunMode.Continuous && Until is not null) yield return "--until: a continuous run has no end; use --mode full-sync.";
        if (Mode == RunMode.Single && Until is not null) yield return "--until: a single run goes on from where the last one ended, to whatever is new; use --mode full-sync.";
        if (Mode is RunMode.Continuous or RunMode.Single && Limit is not null) yield return "--limit: it would leave changes out; use --mode full-sync or custom.";
    }
}
