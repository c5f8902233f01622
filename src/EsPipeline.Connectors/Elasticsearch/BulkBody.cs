using System.Buffers;
using System.Buffers.Text;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// The body of a <c>_bulk</c> request: for each record a line with its operation and id, and for an upsert one with its document, copied
/// from the batch's memory. The index stands in the request's path. A document with line breaks between its tokens gets blanks for them.
/// </summary>
internal sealed class BulkBody : HttpContent
{
    private const int BufferBytes = 128 * 1024;

    // A key's 512 bytes as \u00XX each, and what stands around it.
    private const int LongestAction = (6 * MostKeyBytes) + 128;

    /// <summary>The longest <c>_id</c>, in bytes of UTF-8 (IndexRequest.MAX_DOCUMENT_ID_LENGTH_IN_BYTES).</summary>
    public const int MostKeyBytes = 512;

    /// <summary>The most bytes that the lines around a document take.</summary>
    public const int MostOverhead = LongestAction + 1;

    private static readonly SearchValues<byte> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    private static ReadOnlySpan<byte> Closing => "\"}}\n"u8;

    private readonly RecordSlice _slice;
    private readonly bool _compress;

    /// <param name="slice">The records, each with a key of at most <see cref="MostKeyBytes"/>.</param>
    /// <param name="compress">True for gzip.</param>
    public BulkBody(RecordSlice slice, bool compress)
    {
        (_slice, _compress) = (slice, compress);
        Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        if (compress) Headers.ContentEncoding.Add("gzip");
    }

    /// <summary>Bytes that a record takes before compression.</summary>
    public static long LengthOf(in Record record)
    {
        var document = record.Operation == RecordOperation.Delete ? 0L : record.Json.Length + 1;
        return document + (record.Version <= 0 && record.Key.Span.IndexOfAny(Escaped) < 0
            ? Opening(record.Operation).Length + record.Key.Length + Closing.Length
            : Written(record));

        static int Written(in Record record)
        {
            Span<byte> action = stackalloc byte[LongestAction];
            return WriteAction(record, action);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        if (_compress) return false;
        foreach (ref readonly var record in _slice.Records) length += LengthOf(record);
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken ct)
    {
        if (!_compress)
        {
            await WriteAsync(stream, ct).ConfigureAwait(false);
            return;
        }

        var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true);
        await using (gzip.ConfigureAwait(false)) await WriteAsync(gzip, ct).ConfigureAwait(false);
    }

    private async Task WriteAsync(Stream stream, CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (var at = 0; at < _slice.Count;)
            {
                (at, var used) = Fill(at, buffer);
                await stream.WriteAsync(buffer.AsMemory(0, used), ct).ConfigureAwait(false);
                if (at == _slice.Count || _slice[at].Json.Length + MostOverhead <= buffer.Length) continue;

                // A document that is larger than the buffer goes out in pieces of its own.
                used = WriteAction(_slice[at], buffer);
                for (var document = _slice[at++].Json; !document.IsEmpty; used = 0)
                {
                    var piece = Math.Min(document.Length, buffer.Length - used - 1);
                    CopyInLine(document.Span[..piece], buffer.AsSpan(used));
                    used += piece;
                    document = document[piece..];
                    if (document.IsEmpty) buffer[used++] = (byte)'\n';
                    await stream.WriteAsync(buffer.AsMemory(0, used), ct).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // As many records from one on as fit.
    private (int Next, int Used) Fill(int at, Span<byte> buffer)
    {
        var used = 0;
        for (; at < _slice.Count; at++)
        {
            ref readonly var record = ref _slice[at];
            if (used + MostOverhead + record.Json.Length > buffer.Length) break;
            used += WriteAction(record, buffer[used..]);
            if (record.Operation == RecordOperation.Delete) continue;
            CopyInLine(record.Json.Span, buffer[used..]);
            used += record.Json.Length;
            buffer[used++] = (byte)'\n';
        }

        return (at, used);
    }

    // Invariant 6: a key can hold anything, also what looks like the end of this line and the beginning of another.
    private static int WriteAction(in Record record, Span<byte> to)
    {
        var start = to.Length;
        Put(Opening(record.Operation), ref to);
        var key = record.Key.Span;
        for (var special = key.IndexOfAny(Escaped); special >= 0; special = key.IndexOfAny(Escaped))
        {
            Put(key[..special], ref to);
            Put("\\u00"u8, ref to);
            Utf8Formatter.TryFormat(key[special], to, out _, new StandardFormat('x', 2));
            to = to[2..];
            key = key[(special + 1)..];
        }

        Put(key, ref to);
        if (record.Version > 0)
        {
            // Greater or equal: the same record again, after an answer was lost, is no conflict.
            Put("\",\"version\":"u8, ref to);
            Utf8Formatter.TryFormat(record.Version, to, out var digits);
            to = to[digits..];
            Put(",\"version_type\":\"external_gte\"}}\n"u8, ref to);
        }
        else
        {
            Put(Closing, ref to);
        }

        return start - to.Length;
    }

    private static ReadOnlySpan<byte> Opening(RecordOperation operation) =>
        operation == RecordOperation.Delete ? "{\"delete\":{\"_id\":\""u8 : "{\"index\":{\"_id\":\""u8;

    private static void Put(ReadOnlySpan<byte> bytes, ref Span<byte> to)
    {
        bytes.CopyTo(to);
        to = to[bytes.Length..];
    }

    // JSON has line breaks between tokens only: within a string they are escaped.
    private static void CopyInLine(ReadOnlySpan<byte> json, Span<byte> to)
    {
        json.CopyTo(to);
        if (json.Contains((byte)'\n')) to[..json.Length].Replace((byte)'\n', (byte)' ');
    }
}
