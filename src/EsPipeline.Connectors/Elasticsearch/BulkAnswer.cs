using System.Text.Json;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Reads the answer to a <c>_bulk</c> request: an item for each record, in the order in which they were sent. An answer with fewer or other
/// items than that is an error (invariant 4), and a failed item in an answer of 200 is a failure (invariant 3).
/// </summary>
/// <param name="address">The server's address, for its errors.</param>
/// <param name="path">The request's path, for its errors.</param>
/// <param name="pipeline">The ingest pipeline that documents go through, which may give them other ids; null for none that is known.</param>
/// <param name="target">The one index that documents are meant for; null where there may be several.</param>
internal sealed class BulkAnswer(ClusterAddress address, string path, string? pipeline, string? target)
{
    private readonly List<int> _unchanged = [];

    /// <summary>What is asked for of each item; everything else would only be received and thrown away.</summary>
    public const string Filter = "filter_path=errors,items.*.status,items.*.error,items.*._id,items.*.result";

    /// <summary>What comes behind <see cref="Filter"/> where the index is to be told, too.</summary>
    public const string IndexFilter = ",items.*._index";

    // How far into the answer the flag may stand: behind how long it took.
    private const int HeadBytes = 256;

    /// <summary>The indexes of the records that the index already was as they want it, of what was read item by item.</summary>
    public IReadOnlyList<int> Unchanged => _unchanged;

    /// <summary>How many of those an ingest pipeline has dropped: they are not in the index, or not as they were sent.</summary>
    public int Dropped { get; private set; }

    /// <summary>Another index than the one meant, to which an ingest pipeline has sent documents; null where none is known.</summary>
    public string? Elsewhere { get; private set; }

    /// <summary>The index that the last item without an error was about; null where none tells it.</summary>
    public string? Index { get; private set; }

    /// <summary>Says what became of every record.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="ElasticsearchErrors.BadAnswer"/>: it is not known what was written.</exception>
    public WriteResult Read(ReadOnlySpan<byte> answer, RecordSlice slice)
    {
        try
        {
            // With no error, nothing to delete, which may find nothing, and no pipeline, every item says the same: they are counted and not read.
            if (HasErrors(answer) || HasDeletes(slice) || pipeline is not null || answer.IndexOf("\"result\":\"noop\""u8) >= 0) return Walk(answer, slice);
            var items = answer.Count("\"status\":"u8);
            return items == slice.Count && answer[^1] == (byte)'}' ? WriteResult.All(items) : throw Mismatch(items, slice.Count);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw ElasticsearchErrors.BadAnswer.Error($"{address} answered {path} with something that is no answer to it: {e.Message}", inner: e);
        }
    }

    private static bool HasErrors(ReadOnlySpan<byte> answer)
    {
        var name = "\"errors\":"u8;
        var at = answer[..Math.Min(answer.Length, HeadBytes)].IndexOf(name);
        var value = at < 0 ? default : answer[(at + name.Length)..];
        return value.StartsWith("true"u8) || (value.StartsWith("false"u8) ? false : throw new JsonException("it does not say whether there were errors."));
    }

    private static bool HasDeletes(RecordSlice slice)
    {
        foreach (ref readonly var record in slice.Records)
        {
            if (record.Operation == RecordOperation.Delete) return true;
        }

        return false;
    }

    private WriteResult Walk(ReadOnlySpan<byte> answer, RecordSlice slice)
    {
        var reader = new Utf8JsonReader(answer);
        reader.Read();
        Find(ref reader, "items"u8);
        var (index, failures) = (0, new List<RecordFailure>());
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            if (index == slice.Count) throw Mismatch(index + 1, slice.Count);
            reader.Read();
            reader.Read();
            var item = ReadItem(ref reader, slice[index].Key.Span);
            reader.Read();
            if (item.IsDropped) Dropped++;
            if (item.IsUnchanged(slice[index])) _unchanged.Add(index);
            else if (item.Failure(index, address, path) is { } failure) failures.Add(failure);
            index++;
        }

        if (index != slice.Count) throw Mismatch(index, slice.Count);
        while (reader.Read())
        {
            // To the end of the answer, which has to be there.
        }

        return new WriteResult(index - _unchanged.Count - failures.Count, _unchanged.Count, failures);
    }

    private static void Find(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found) return;
            reader.Skip();
        }

        throw new JsonException("it has no items.");
    }

    // From the start of what is within {"index":…} to its end.
    private BulkItem ReadItem(ref Utf8JsonReader reader, ReadOnlySpan<byte> key)
    {
        var (status, error, index, isDropped) = (0, default(JsonElement), Index, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("status"u8))
            {
                reader.Read();
                status = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("_id"u8))
            {
                reader.Read();
                if (!reader.ValueTextEquals(key)) throw OtherId(reader.GetString());
            }
            else if (reader.ValueTextEquals("_index"u8))
            {
                reader.Read();
                if (index is null || !reader.ValueTextEquals(index)) index = reader.GetString();
            }
            else if (reader.ValueTextEquals("result"u8))
            {
                reader.Read();
                isDropped = reader.ValueTextEquals("noop"u8);
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                using var document = JsonDocument.ParseValue(ref reader);
                error = document.RootElement.Clone();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        // One that failed may tell the name that was asked for.
        if (error.ValueKind == JsonValueKind.Undefined)
        {
            Index = index;
            if (target is not null && index is not null && index != target) Elsewhere = index;
        }

        return status > 0 ? new BulkItem(status, error, isDropped) : throw new JsonException("an item has no status.");
    }

    // Whatever was written under another id than its key is written again each time, and never found again.
    private Exception OtherId(string? id) => pipeline is null
        ? new JsonException("its items are not in the order of the request.")
        : ElasticsearchErrors.PipelineChangesId.Error($"The ingest pipeline '{pipeline}' has a document written under another _id than its key, '{id}'.");

    private Core.Errors.PipelineException Mismatch(int items, int sent) =>
        ElasticsearchErrors.BadAnswer.Error($"{address} answered {path} for {items}{(items > sent ? " or more" : "")} of {sent} documents.");
}
