using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Search;

/// <summary>The server's answer to a search, with the places of its documents in the bytes: what was found is passed on as it is.</summary>
internal sealed class SearchAnswer
{
    /// <summary>The servers themselves take documents of up to a thousand objects in one another.</summary>
    public static readonly JsonReaderOptions AsDeepAsDocuments = new() { MaxDepth = 1100 };

    private const int SendAt = 64 << 10;

    private readonly ReadOnlyMemory<byte> _json;
    private readonly List<Hit> _hits = [];
    private bool _hasShards;
    private bool _hasHits;

    private SearchAnswer(ReadOnlyMemory<byte> json) => _json = json;

    /// <summary>How many documents the search finds in all; null where it was not counted.</summary>
    public long? Total { get; private set; }

    /// <summary>The newest id of the point in time; null where there is none.</summary>
    public string? PointInTime { get; private set; }

    /// <summary>How many documents there are in this answer.</summary>
    public int Count => _hits.Count;

    /// <summary>True where the server gave keys without the documents, since it keeps none (<c>_source</c> is off).</summary>
    public bool LacksDocuments => _hits.Exists(h => h.Source is null);

    /// <summary>The sort values of the last document, as JSON; empty where there are none.</summary>
    public ReadOnlyMemory<byte> LastSort => _hits.Count == 0 ? default : _json[_hits[^1].Sort];

    /// <summary>Reads what the server has added up; the reader stands before the value.</summary>
    public delegate void AggregationsReader(ref Utf8JsonReader reader);

    /// <summary>Reads an answer.</summary>
    /// <param name="json">The answer.</param>
    /// <param name="aggregations">Reads what was added up; null where nothing was asked for. What it has read counts only when this returns.</param>
    /// <exception cref="PipelineException">It is not whole (invariant 4).</exception>
    public static SearchAnswer Read(ReadOnlyMemory<byte> json, AggregationsReader? aggregations = null)
    {
        var answer = new SearchAnswer(json);
        try
        {
            answer.ReadMembers(aggregations);
            return answer._hasShards && answer._hasHits ? answer : throw new FormatException("It is not the answer to a search.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw ApiErrors.BackendUnavailable.Error("The search server's answer can't be read.", inner: e);
        }
    }

    /// <summary>Writes the documents as a JSON array, and sends what there is again and again, so that they are not in memory twice.</summary>
    public async Task WriteDocumentsAsync(FieldRules rules, bool withId, PipeWriter output, CancellationToken ct)
    {
        output.Write("["u8);
        var (unsent, shown) = (0, withId && rules.Shows("_id"));
        for (var i = 0; i < _hits.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            Write(_hits[i], shown, rules, output);
            unsent += _hits[i].Source is { } source ? source.End.Value - source.Start.Value : 0;
            if (unsent < SendAt) continue;
            await output.FlushAsync(ct).ConfigureAwait(false);
            unsent = 0;
        }

        output.Write("]"u8);
    }

    private void Write(Hit hit, bool withId, FieldRules rules, IBufferWriter<byte> output)
    {
        var source = hit.Source is { } at ? _json.Span[at] : "{}"u8;
        if (withId) WriteWithId(_json.Span[hit.Id], source, rules, output);
        else DocumentFilter.Write(source, rules, output);
    }

    private static void WriteWithId(ReadOnlySpan<byte> id, ReadOnlySpan<byte> source, FieldRules rules, IBufferWriter<byte> output)
    {
        var document = new ArrayBufferWriter<byte>(source.Length + 2);
        DocumentFilter.Write(source, rules, document);
        var members = document.WrittenSpan[1..];
        output.Write("{\"_id\":"u8);
        output.Write(id);
        if (members.TrimStart(" \t\r\n"u8)[0] != (byte)'}') output.Write(","u8);
        output.Write(members);
    }

    private void ReadMembers(AggregationsReader? aggregations)
    {
        var reader = new Utf8JsonReader(_json.Span, AsDeepAsDocuments);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("hits"u8)) ReadHits(ref reader);
            else if (reader.ValueTextEquals("timed_out"u8)) RefuseTimeout(ref reader);
            else if (reader.ValueTextEquals("_shards"u8)) RefuseFailedShards(ref reader);
            else if (reader.ValueTextEquals("pit_id"u8)) PointInTime = ReadText(ref reader);
            else if (aggregations is not null && reader.ValueTextEquals("aggregations"u8)) aggregations(ref reader);
            else reader.Skip();
        }
    }

    private void ReadHits(ref Utf8JsonReader reader)
    {
        reader.Read();
        _hasHits = reader.TokenType == JsonTokenType.StartObject;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("total"u8))
            {
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var isValue = reader.ValueTextEquals("value"u8);
                    reader.Read();
                    if (isValue) Total = reader.GetInt64();
                }
            }
            else if (reader.ValueTextEquals("hits"u8))
            {
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject) _hits.Add(ReadHit(ref reader));
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static Hit ReadHit(ref Utf8JsonReader reader)
    {
        Range id = default, sort = default;
        Range? source = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isId, isSource, isSort) = (reader.ValueTextEquals("_id"u8), reader.ValueTextEquals("_source"u8), reader.ValueTextEquals("sort"u8));
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var range = start..(int)reader.BytesConsumed;
            if (isId) id = range;
            else if (isSource) source = range;
            else if (isSort) sort = range;
        }

        return new Hit(id, source, sort);
    }

    private static void RefuseTimeout(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.GetBoolean()) throw ApiErrors.TimedOut.Error("The search was not finished in time.");
    }

    private void RefuseFailedShards(ref Utf8JsonReader reader)
    {
        reader.Read();
        (int? total, int? successful) = (null, null);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isTotal, isSuccessful) = (reader.ValueTextEquals("total"u8), reader.ValueTextEquals("successful"u8));
            reader.Read();
            if (isTotal) total = reader.GetInt32();
            else if (isSuccessful) successful = reader.GetInt32();
            else reader.Skip();
        }

        if (successful != total) throw ApiErrors.BackendUnavailable.Error("A part of the index could not be searched.");
        _hasShards = total is not null;
    }

    private static string? ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString();
    }

    private readonly record struct Hit(Range Id, Range? Source, Range Sort);
}
