using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>The records of one page. Documents stay where the network put them; only keys that are not there as such are written anew.</summary>
internal sealed class HitRecords
{
    private const int KeyChunk = 64 * 1024;

    // The servers' own limit is 512 bytes; each of them takes at most 6 when escaped.
    private const int LongestEscapedId = 6 * 512;

    private readonly List<byte[]> _buffers = [];
    private Record[] _records;
    private byte[] _keys = [];
    private int _keysUsed;
    private List<MalformedRecord>? _malformed;

    private HitRecords(int expected) => _records = ArrayPool<Record>.Shared.Rent(Math.Max(16, expected));

    /// <summary>How many hits the page has, those left out included.</summary>
    public int Hits { get; private set; }

    /// <summary>How many records were made of them.</summary>
    public int Count { get; private set; }

    /// <summary>The sort value of the last hit; the page's own lower bound where it has none.</summary>
    public long Last { get; private set; }

    /// <summary>Makes the records of a page, and takes the page's memory over.</summary>
    /// <param name="page">The page; of no use after this.</param>
    /// <param name="expected">About how many hits it has.</param>
    /// <param name="above">Every hit's sort value is above this and above the one before it; null where they are in no order.</param>
    /// <param name="form">What keys and documents are.</param>
    /// <param name="isKnown">Says whether a hit with this sort value is to be left out; null where none is.</param>
    /// <exception cref="PipelineException">The page can't be read, or a hit has no document.</exception>
    public static HitRecords Read(SearchPage page, int expected, long? above, RecordForm form, Func<long, bool>? isKnown)
    {
        var records = new HitRecords(expected) { Last = above ?? 0 };
        try
        {
            records.ReadAll(page, above is not null, form, isKnown);
            records._buffers.Add(page.Answer.Detach());
            return records;
        }
        catch (Exception e)
        {
            page.Dispose();
            records.Drop();
            if (e is FormatException) throw ElasticsearchErrors.BadAnswer.Error($"The answer to a search in {form.Index} can't be read: {e.Message}.", inner: e);
            throw;
        }
    }

    /// <summary>Hands everything over as a batch.</summary>
    public RecordBatch ToBatch(Position end, long extent, string placeUnit) =>
        new(_records, Count, _buffers, end, _malformed) { Extent = extent, PlaceUnit = placeUnit };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadAll(SearchPage page, bool ordered, RecordForm form, Func<long, bool>? isKnown)
    {
        var array = page.Answer.Array;
        var scanner = new HitScanner(array, page.Answer.Length);
        scanner.MoveTo(page.FirstHit);
        while (scanner.NextItem())
        {
            var hit = scanner.ReadHit();
            Hits++;
            if (ordered)
            {
                // Whatever goes on from here relies on it: a hit out of order would be read twice or never.
                if (hit.Sort is not { } sort || sort <= Last) throw new FormatException("a hit is not in the order that was asked for");
                Last = sort;
                if (isKnown?.Invoke(sort) == true) continue;
            }

            Add(array, hit, form);
        }

        CheckEnd(ref scanner);
    }

    // What follows the hits closes what was open before them, and may hold other members.
    private static void CheckEnd(ref HitScanner scanner)
    {
        while (scanner.NextMember(out _)) scanner.SkipValue();
        while (scanner.NextMember(out _)) scanner.SkipValue();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(byte[] array, in Hit hit, RecordForm form)
    {
        var id = Part(array, hit.Id);
        if (id.IsEmpty) throw new FormatException("a hit has no _id");
        if (hit.Source.Equals(default))
        {
            throw ElasticsearchErrors.NoSource.Error($"The document '{System.Text.Encoding.UTF8.GetString(id.Span)}' of {form.Index} has no _source.");
        }

        // A key of its own is made before the hit is moved together.
        var key = default(ReadOnlyMemory<byte>);
        var isOwn = hit.IdIsEscaped || form.KeyPrefix.Length > 0;
        if (isOwn && !TryWriteKey(array, hit, form, out key))
        {
            var raw = array.AsSpan(hit.Whole);
            (_malformed ??= []).Add(new MalformedRecord(
                hit.Sort ?? 0,
                id.ToArray(),
                raw[..Math.Min(raw.Length, MalformedRecord.MaxRawBytes)].ToArray(),
                ElasticsearchErrors.BadId,
                "Its _id or its routing is not valid Unicode, or longer than 512 bytes."));
            return;
        }

        var document = hit.Source;
        if (form.Envelope == Envelope.Hit)
        {
            (document, var moved) = HitEnvelope.Compact(array, hit.Whole);
            id = Part(array, moved);
        }

        if (Count == _records.Length) GrowRecords();
        var json = Part(array, document);
        _records[Count++] = new Record(isOwn ? key : id, json, RecordOperation.Upsert, 0, hit.Sort ?? 0);
    }

    private static ReadOnlyMemory<byte> Part(byte[] array, Range range) =>
        array.AsMemory(range.Start.Value, range.End.Value - range.Start.Value);

    // Records that exist already point into the chunks, so these never move.
    private bool TryWriteKey(byte[] array, in Hit hit, RecordForm form, out ReadOnlyMemory<byte> key)
    {
        key = default;
        var id = Part(array, hit.Id).Span;
        var routing = form.KeyHasRouting ? Part(array, hit.Routing).Span : default;
        if (id.Length > LongestEscapedId || routing.Length > LongestEscapedId) return false;
        var most = form.KeyPrefix.Length + (3 * routing.Length) + 1 + id.Length;
        if (_keys.Length - _keysUsed < most)
        {
            _keys = ArrayPool<byte>.Shared.Rent(Math.Max(KeyChunk, most));
            _keysUsed = 0;
            _buffers.Add(_keys);
        }

        form.KeyPrefix.CopyTo(_keys, _keysUsed);
        var used = _keysUsed + form.KeyPrefix.Length;
        if (form.KeyHasRouting)
        {
            if (!TryWriteRouting(routing, hit.RoutingIsEscaped, _keys.AsSpan(used), out var length)) return false;
            used += length;
        }

        if (!TryWriteText(id, hit.IdIsEscaped, _keys.AsSpan(used), out var idLength)) return false;
        key = _keys.AsMemory(_keysUsed, used + idLength - _keysUsed);
        _keysUsed += key.Length;
        return true;
    }

    // The slash behind it has to be the first, whatever it holds, or two documents might get one key.
    private static bool TryWriteRouting(ReadOnlySpan<byte> routing, bool escaped, Span<byte> to, out int length)
    {
        length = 0;
        Span<byte> text = stackalloc byte[routing.Length];
        if (!TryWriteText(routing, escaped, text, out var bytes)) return false;
        foreach (var one in text[..bytes])
        {
            var encoded = one switch { (byte)'/' => "%2F"u8, (byte)'%' => "%25"u8, _ => default };
            if (encoded.IsEmpty) to[length++] = one;
            encoded.CopyTo(to[length..]);
            length += encoded.Length;
        }

        to[length++] = (byte)'/';
        return true;
    }

    private static bool TryWriteText(ReadOnlySpan<byte> content, bool escaped, Span<byte> to, out int length)
    {
        if (escaped) return TryUnescape(content, to, out length);
        content.CopyTo(to);
        length = content.Length;
        return true;
    }

    private static bool TryUnescape(ReadOnlySpan<byte> content, Span<byte> to, out int length)
    {
        Span<byte> quoted = stackalloc byte[content.Length + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        content.CopyTo(quoted[1..]);
        try
        {
            var reader = new Utf8JsonReader(quoted);
            reader.Read();
            length = reader.CopyString(to);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            length = 0;
            return false;
        }
    }

    private void GrowRecords()
    {
        var larger = ArrayPool<Record>.Shared.Rent(_records.Length * 2);
        _records.CopyTo(larger, 0);
        ArrayPool<Record>.Shared.Return(_records, clearArray: true);
        _records = larger;
    }

    private void Drop()
    {
        ArrayPool<Record>.Shared.Return(_records, clearArray: true);
        foreach (var buffer in _buffers) ArrayPool<byte>.Shared.Return(buffer);
    }
}

/// <summary>What the keys and documents of one index's records are.</summary>
/// <param name="Index">The index.</param>
/// <param name="Envelope">What a document is.</param>
/// <param name="KeyPrefix">What a key begins with; empty where it is <c>_id</c> alone.</param>
/// <param name="KeyHasRouting">Whether the document's routing and a slash stand between that and <c>_id</c>.</param>
internal sealed record RecordForm(string Index, Envelope Envelope, byte[] KeyPrefix, bool KeyHasRouting = false);
