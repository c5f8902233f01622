using System.Net;
using System.Text.Json;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What became of one record of a <c>_bulk</c> request.</summary>
/// <param name="Status">Its own HTTP status.</param>
/// <param name="Error">Its error; undefined where there is none.</param>
/// <param name="IsDropped">True where an ingest pipeline has dropped it, which is no error to the servers.</param>
internal readonly record struct BulkItem(int Status, JsonElement Error, bool IsDropped)
{
    /// <summary>
    /// True where the index was left as it is: it holds a newer version, what is to be deleted is not there, or whoever made the ingest pipeline
    /// does not want the record.
    /// </summary>
    public bool IsUnchanged(in Record record) =>
        IsDropped
        || (Status == (int)HttpStatusCode.Conflict && record.Version > 0)
        || (Status == (int)HttpStatusCode.NotFound && record.Operation == RecordOperation.Delete && Error.ValueKind == JsonValueKind.Undefined);

    /// <summary>Why the record was not written; null where it was.</summary>
    public RecordFailure? Failure(int index, ClusterAddress address, string path)
    {
        if (Status is >= 200 and < 300 && Error.ValueKind == JsonValueKind.Undefined) return null;
        var refusal = Refusal.OfItem((HttpStatusCode)Status, Error);
        if (Status == (int)HttpStatusCode.Conflict) return new RecordFailure(index, ElasticsearchErrors.Conflict, refusal.Reason);
        if (refusal.Reason.StartsWith("pipeline with id ", StringComparison.Ordinal)) return new RecordFailure(index, ElasticsearchErrors.PipelineMissing, refusal.Reason);
        var meaning = refusal.Explain(address, HttpMethod.Post, path, null, null);

        // About a document the server's own words say most; the rest is about the index or the server.
        var words = $"{refusal.Reason} ({refusal.Type}, {Status})";
        var isNode = refusal.Type is "node_closed_exception" or "node_disconnected_exception" or "node_not_connected_exception" or "connect_transport_exception" or "i_o_exception";
        if (Status == (int)HttpStatusCode.InternalServerError && meaning.Error == ElasticsearchErrors.Unavailable && !isNode)
        {
            return new RecordFailure(index, ElasticsearchErrors.DocumentFailed, words);
        }

        var isDocument = meaning.Kind == Core.Errors.FailureKind.Permanent || meaning.Error == ElasticsearchErrors.Refused;
        return isDocument
            ? new RecordFailure(index, ElasticsearchErrors.DocumentRefused, words)
            : new RecordFailure(index, meaning.Error, meaning.Message, meaning.RetryAfter);
    }
}
