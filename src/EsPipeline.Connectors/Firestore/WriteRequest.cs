using System.Net;
using System.Net.Http.Headers;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Firestore;

/// <summary>What became of a record that was to go into a request.</summary>
internal enum Added
{
    /// <summary>It is in the request.</summary>
    Yes,

    /// <summary>The request has to be sent first.</summary>
    RequestFull,

    /// <summary>Firestore would not take it.</summary>
    Refused,
}

/// <summary>
/// The body of one <c>documents:batchWrite</c> as it fills: at most 500 writes and so many bytes, and no document twice. Not thread-safe.
/// </summary>
internal sealed class WriteRequest(DocumentEncoder encoder, int maxBytes) : IDisposable
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly PooledBuffer _writes = new();
    private readonly List<(int Start, int End, int Index, bool IsDelete)> _ranges = [];
    private readonly HashSet<UInt128> _documents = [];
    private readonly ConversionCounts _converted = new();

    private static ReadOnlySpan<byte> Head => "{\"writes\":["u8;

    private static ReadOnlySpan<byte> Tail => "]}"u8;

    /// <summary>Writes in the request.</summary>
    public int Count => _ranges.Count;

    /// <summary>The index in its slice of the record that a write came from.</summary>
    public int IndexOf(int write) => _ranges[write].Index;

    /// <summary>True for a write that deletes.</summary>
    public bool IsDelete(int write) => _ranges[write].IsDelete;

    /// <summary>Encodes a record and adds it.</summary>
    /// <param name="record">The record.</param>
    /// <param name="index">Its index in its slice.</param>
    /// <param name="counts">Where conversions are counted.</param>
    /// <param name="refusal">Why it was refused.</param>
    public Added TryAdd(in Record record, int index, ConversionCounts counts, out Refusal? refusal)
    {
        refusal = null;
        var document = KeyHash.Compute(record.Key.Span, 0);
        if (Count == FirestoreLimits.MaxWrites || _documents.Contains(document)) return Added.RequestFull;

        var before = _writes.Length;
        if (Count > 0) _writes.Write(","u8);
        var start = _writes.Length;
        _converted.Clear();
        refusal = encoder.TryAppend(record, _writes, _converted);
        var alone = _writes.Length - start + Head.Length + Tail.Length;
        if (refusal is null && alone > FirestoreLimits.MaxRequestBytes)
        {
            refusal = new Refusal(
                FirestoreErrors.RequestTooLarge, $"Written as Firestore's JSON it has {alone} bytes; a request has at most {FirestoreLimits.MaxRequestBytes}.");
        }

        if (refusal is not null)
        {
            _writes.CutTo(before);
            return Added.Refused;
        }

        if (Count > 0 && _writes.Length + Head.Length + Tail.Length > maxBytes)
        {
            _writes.CutTo(before);
            return Added.RequestFull;
        }

        counts.Add(_converted);
        _ranges.Add((start, _writes.Length, index, record.Operation == RecordOperation.Delete));
        _documents.Add(document);
        return Added.Yes;
    }

    /// <summary>One write, as it is sent; valid until the request is changed.</summary>
    public ReadOnlyMemory<byte> Write(int write) => _writes.Written[_ranges[write].Start.._ranges[write].End];

    /// <summary>The body for consecutive writes; valid until the request is changed.</summary>
    public HttpContent Body(int first, int count)
    {
        return new BodyContent(_writes.Written[_ranges[first].Start.._ranges[first + count - 1].End]) { Headers = { ContentType = Json } };
    }

    /// <summary>Empties the request.</summary>
    public void Clear()
    {
        _writes.CutTo(0);
        _ranges.Clear();
        _documents.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _writes.Dispose();

    private sealed class BodyContent(ReadOnlyMemory<byte> writes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            stream.Write(Head);
            await stream.WriteAsync(writes, cancellationToken).ConfigureAwait(false);
            stream.Write(Tail);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = Head.Length + writes.Length + Tail.Length;
            return true;
        }
    }
}
