using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// The answer to one search: whether it is whole, the newest id of the view, and the hits. An answer for a part of the data is an error
/// here, whatever its status (invariant 4).
/// </summary>
internal sealed class SearchPage : IDisposable
{
    private static readonly SearchValues<byte> WholeNumbers = SearchValues.Create("0123456789,"u8);

    private SearchPage(AnswerBuffer answer) => Answer = answer;

    /// <summary>The bytes.</summary>
    public AnswerBuffer Answer { get; }

    /// <summary>The id with which to go on reading this view, a point in time or a scroll; null where there is none.</summary>
    public string? ViewId { get; private set; }

    /// <summary>How many shards answered.</summary>
    public int Shards { get; private set; }

    /// <summary>Where the first hit stands, or the end of the hits where there is none.</summary>
    public int FirstHit { get; private set; }

    /// <summary>Reads everything that stands before the hits.</summary>
    /// <param name="answer">The answer; owned from here on.</param>
    /// <param name="where">What was searched, for errors.</param>
    /// <exception cref="Core.Errors.PipelineException">
    /// <see cref="ElasticsearchErrors.PartialAnswer"/>, or <see cref="ElasticsearchErrors.BadAnswer"/>.
    /// </exception>
    public static SearchPage Open(AnswerBuffer answer, string where)
    {
        var page = new SearchPage(answer);
        try
        {
            page.ReadHead(where);
            return page;
        }
        catch (Exception e)
        {
            page.Dispose();
            if (e is FormatException or JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw ElasticsearchErrors.BadAnswer.Error($"The answer to a search in {where} can't be read: {e.Message}.", inner: e);
            }

            throw;
        }
    }

    /// <summary>
    /// The first sort value of the last hit, without reading those before it; null where the answer does not end the way in which the
    /// servers write it, which is no error.
    /// </summary>
    public long? PeekLastSort()
    {
        var tail = Answer.Written.Span.TrimEnd((byte)'\n');
        if (!tail.EndsWith("]}]}}"u8)) return null;
        var sort = tail[Math.Max(0, tail.Length - 120)..];
        var at = sort.LastIndexOf("\"sort\":["u8);
        if (at < 0) return null;
        var values = sort[(at + 8)..^5];
        return values.IndexOfAnyExcept(WholeNumbers) < 0 && Utf8Parser.TryParse(values, out long first, out _) ? first : null;
    }

    public void Dispose() => Answer.Dispose();

    private void ReadHead(string where)
    {
        var scanner = new HitScanner(Answer.Array, Answer.Length);
        var text = Answer.Written.Span;
        bool timedOut = false, terminated = false, counted = false;
        scanner.Enter((byte)'{');
        while (scanner.NextMember(out var name))
        {
            if (name.SequenceEqual("pit_id"u8) || name.SequenceEqual("_scroll_id"u8)) ViewId = Encoding.UTF8.GetString(text[scanner.ReadString(out _)]);
            else if (name.SequenceEqual("timed_out"u8)) timedOut = text[scanner.SkipValue()].SequenceEqual("true"u8);
            else if (name.SequenceEqual("terminated_early"u8)) terminated = text[scanner.SkipValue()].SequenceEqual("true"u8);
            else if (name.SequenceEqual("_shards"u8)) (Shards, counted) = (CheckShards(text[scanner.SkipValue()], where), true);
            else if (!name.SequenceEqual("hits"u8)) scanner.SkipValue();
            else if (FindHits(ref scanner)) break;
        }

        if (!counted || FirstHit == 0) throw new FormatException("it is not the answer to a search");
        if (timedOut || terminated)
        {
            throw ElasticsearchErrors.PartialAnswer.Error($"A search in {where} was {(timedOut ? "stopped by a time limit of the server" : "ended early")} before it had looked at everything.");
        }
    }

    private bool FindHits(ref HitScanner scanner)
    {
        scanner.Enter((byte)'{');
        while (scanner.NextMember(out var name))
        {
            if (name.SequenceEqual("hits"u8))
            {
                scanner.Enter((byte)'[');
                FirstHit = scanner.At;
                return true;
            }

            scanner.SkipValue();
        }

        return false;
    }

    private static int CheckShards(ReadOnlySpan<byte> json, string where)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        var shards = document.RootElement;
        int total = shards.GetProperty("total").GetInt32(), successful = shards.GetProperty("successful").GetInt32(), failed = shards.GetProperty("failed").GetInt32();
        if (failed == 0 && successful == total) return total;
        var why = shards.TryGetProperty("failures", out var failures) && failures.GetArrayLength() > 0
            && failures[0].TryGetProperty("reason", out var cause) && cause.TryGetProperty("reason", out var reason) ? $": {reason}" : "";
        throw ElasticsearchErrors.PartialAnswer.Error($"Only {successful} of {total} shards answered a search in {where}{why}.");
    }
}
