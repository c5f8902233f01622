using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <content>What keeps documents that are there from being seen.</content>
public static partial class ElasticsearchErrors
{
    /// <summary>Reading is blocked.</summary>
    public static readonly ErrorCode ReadBlocked = new(
        "elasticsearch.read_blocked", FailureKind.Environment, "The index is blocked for reading, or for looking at its mapping: somebody has set index.blocks.read or index.blocks.metadata.",
        "Lift the block: PUT INDEX/_settings {\"index.blocks.read\":null,\"index.blocks.metadata\":null}.")
    {
        Steps =
        [
            "See which blocks there are: `{es-curl} '{--es-url}/_cluster/state/blocks?pretty'`",
            "Lift them: `{es-curl} -X PUT -H 'Content-Type: application/json' -d '{\"index.blocks.read\":null,\"index.blocks.metadata\":null}' {--es-url}/{--es-index}/_settings`",
        ],
    };

    /// <summary>The user sees a part only.</summary>
    public static readonly ErrorCode Hidden = new(
        "elasticsearch.hidden", FailureKind.Environment, "The user's privileges hide documents or fields, so that a part would be copied and compared as if it were all.",
        "Use a user or an API key whose role reads the index without 'query' and 'field_security'; to copy a part only, select it with --query or --exclude-fields.")
    {
        Steps = ["See what this user may do (Elasticsearch): `{es-curl} '{--es-url}/_security/user/_privileges?pretty'`"],
    };
}
