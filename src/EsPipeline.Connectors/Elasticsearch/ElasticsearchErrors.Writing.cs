using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <content>What goes wrong in writing.</content>
public static partial class ElasticsearchErrors
{
    /// <summary>A request, or one document, is larger than the server takes.</summary>
    public static readonly ErrorCode RequestTooLarge = new(
        "elasticsearch.request_too_large", FailureKind.Permanent, "A document is larger than the server, or something before it, takes in one request (413).",
        "Raise http.max_content_length at the server, or the limit of the proxy before it; or leave fields out with --exclude-fields.")
    {
        Steps = ["See how much the server takes: `{es-curl} '{--es-url}/_nodes/http?filter_path=nodes.*.http.max_content_length_in_bytes&pretty'`"],
    };

    /// <summary>A document that the index does not take.</summary>
    public static readonly ErrorCode DocumentRefused = new(
        "elasticsearch.document_refused", FailureKind.Permanent, "The index does not take this document: a value does not fit its field's type, or the mapping is full.",
        "The server's own words say which field; change the mapping, or the document with --rename, --set or --exclude-fields.")
    {
        Steps =
        [
            "See the types of the fields: `{es-curl} '{--es-url}/{--es-index}/_mapping?pretty'`",
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
        ],
    };

    /// <summary>The server breaks at one document.</summary>
    public static readonly ErrorCode DocumentFailed = new(
        "elasticsearch.document_failed", FailureKind.Transient, "The server fails inside at one document (status 500), while it takes others.",
        "Mend the ingest pipeline or the document that it fails at, then replay the dead letters.")
    {
        MayBlameRecord = true,
        Steps = ["See how often each pipeline fails: `{es-curl} '{--es-url}/_nodes/stats/ingest?filter_path=nodes.*.ingest.pipelines&pretty'`"],
    };

    /// <summary>A key that can't be an id.</summary>
    public static readonly ErrorCode KeyTooLong = new(
        "elasticsearch.key_too_long", FailureKind.Permanent, "The record's key has more than 512 bytes, which no _id can.", "Choose a shorter key with --id-field.")
    {
        Steps =
        [
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
            "Take the key from another field: `--id-field FIELD`",
        ],
    };

    /// <summary>Two writes met.</summary>
    public static readonly ErrorCode Conflict = new(
        "elasticsearch.conflict", FailureKind.Transient, "Somebody else wrote the same document at the same moment (409).", "Nothing is to be done: espipe writes it again.")
    {
        Steps = ["Where it stays, see what else writes there: `{es-curl} '{--es-url}/_cat/tasks?v&actions=*write*'`"],
    };

    /// <summary>The index or the cluster takes no writes.</summary>
    public static readonly ErrorCode Blocked = new(
        "elasticsearch.blocked", FailureKind.Environment, "The index or the cluster is blocked for writing: the disk is nearly full, or somebody has set a block.",
        "Make room on the server's disks, and the block for that goes by itself; lift one that was set with PUT INDEX/_settings {\"index.blocks.write\":null,\"index.blocks.read_only\":null}.")
    {
        Steps =
        [
            "See how full the disks are: `{es-curl} '{--es-url}/_cat/allocation?v'`",
            "See which blocks are set: `{es-curl} '{--es-url}/{--es-index}/_settings/index.blocks.*?pretty'`",
            "Once there is room, lift those that were set: `{es-curl} -X PUT -H 'Content-Type: application/json' -d '{\"index.blocks.write\":null,\"index.blocks.read_only\":null}' {--es-url}/{--es-index}/_settings`",
        ],
    };

    /// <summary>A document can't be deleted from an index behind the alias.</summary>
    public static readonly ErrorCode BlockedBehind = new(
        "elasticsearch.blocked_behind", FailureKind.Permanent, "The document is in an earlier index of the alias that is written to, and that one is blocked for writing.",
        "Lift the block of that index (PUT INDEX/_settings {\"index.blocks.write\":null}), and run 'espipe dead-letters replay'.")
    {
        Steps =
        [
            "See which indices the alias means, and which are blocked: `{es-curl} '{--es-url}/{--es-index}/_settings/index.blocks.*?pretty'`",
            "Lift the block; INDEX is the one in the message: `{es-curl} -X PUT -H 'Content-Type: application/json' -d '{\"index.blocks.write\":null}' {--es-url}/INDEX/_settings`",
            "Send the deletes again: `espipe dead-letters replay {job-options}`",
        ],
    };

    /// <summary>The existing index is another than is needed.</summary>
    public static readonly ErrorCode IndexDiffers = new(
        "elasticsearch.index_differs", FailureKind.Environment, "The index exists and does not fit what is to be written.",
        "Name another index with --es-index, change its mapping, or change --es-mapping.")
    {
        Steps =
        [
            "See the mapping that is there: `{es-curl} '{--es-url}/{--es-index}/_mapping?pretty'`",
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
        ],
    };

    /// <summary>The name can't be written to.</summary>
    public static readonly ErrorCode NotWritable = new(
        "elasticsearch.not_writable", FailureKind.Environment, "What --es-index names can't be written to by key.", "Name one index, or an alias that has a write index.")
    {
        Steps = ["See what the name stands for: `{es-curl} '{--es-url}/_cat/aliases/{--es-index}?v'`"],
    };

    /// <summary>Writes would wait for a refresh that does not come.</summary>
    public static readonly ErrorCode RefreshTooRare = new(
        "elasticsearch.refresh_too_rare", FailureKind.Environment, "Each write is to wait for the index's next refresh, which comes too late or never.",
        "Leave --es-refresh wait away, or set the index's refresh_interval to less than 75 seconds.")
    {
        Steps =
        [
            "See the interval: `{es-curl} '{--es-url}/{--es-index}/_settings/index.refresh_interval?pretty'`",
            "Set one: `{es-curl} -X PUT -H 'Content-Type: application/json' -d '{\"index\":{\"refresh_interval\":\"5s\"}}' {--es-url}/{--es-index}/_settings`",
        ],
    };

    /// <summary>No such ingest pipeline.</summary>
    public static readonly ErrorCode PipelineMissing = new(
        "elasticsearch.pipeline_missing", FailureKind.Environment, "There is no ingest pipeline of this name.", "Check --es-pipeline, or make the pipeline (PUT _ingest/pipeline/NAME).")
    {
        Steps = ["See which pipelines there are: `{es-curl} '{--es-url}/_ingest/pipeline?filter_path=*.description&pretty'`"],
    };

    /// <summary>An ingest pipeline that gives documents other ids.</summary>
    public static readonly ErrorCode PipelineChangesId = new(
        "elasticsearch.pipeline_changes_id", FailureKind.Environment, "The ingest pipeline sets _id, so that documents could not be replaced or deleted by their keys.",
        "Take what sets _id out of the pipeline; choose the key with --id-field.")
    {
        Steps =
        [
            "See what the pipelines do: `{es-curl} '{--es-url}/_ingest/pipeline?pretty'`",
            "Take the key from the field that the pipeline takes it from: `--id-field FIELD`",
        ],
    };

    /// <summary>The index was deleted, and perhaps made again, while it was written to.</summary>
    public static readonly ErrorCode IndexReplaced = new(
        "elasticsearch.index_replaced", FailureKind.Environment, "The index was deleted or replaced while it was written to, so what was copied before is gone.",
        "Run 'espipe checkpoint reset' and start again: everything is then copied once more.")
    {
        EndsRun = true,
        Steps = ["Begin anew: `espipe checkpoint reset {job-options}`"],
    };
}
