using System.Buffers;
using System.Buffers.Binary;
using EsPipeline.Core.Records;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Sends records as rows of key and document in COPY's binary format, in which text needs no escaping: each field its length and its
/// bytes, a jsonb with the byte of its version before them, and a delete with null for a document.
/// </summary>
internal static class StagingWriter
{
    private const byte JsonbVersion = 1;
    private const int ChunkBytes = 64 * 1024;

    // PGCOPY\n\377\r\n\0, no flags, no extension.
    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] Trailer = [0xFF, 0xFF];

    /// <summary>Sends all records and ends the COPY; on a failure it is broken off, and the server keeps nothing.</summary>
    public static async Task WriteAsync(NpgsqlRawCopyStream stream, RecordSlice slice, CancellationToken ct)
    {
        var buffer = new ArrayBufferWriter<byte>(ChunkBytes * 2);
        var isComplete = false;
        try
        {
            buffer.Write(Header);
            for (var i = 0; i < slice.Count; i++)
            {
                Write(slice[i], buffer);
                if (buffer.WrittenCount < ChunkBytes) continue;
                await stream.WriteAsync(buffer.WrittenMemory, ct).ConfigureAwait(false);
                buffer.ResetWrittenCount();
            }

            buffer.Write(Trailer);
            await stream.WriteAsync(buffer.WrittenMemory, ct).ConfigureAwait(false);
            isComplete = true;
        }
        finally
        {
            if (!isComplete) await BreakOffAsync(stream).ConfigureAwait(false);
        }

        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private static void Write(in Record record, ArrayBufferWriter<byte> output)
    {
        var head = output.GetSpan(6);
        BinaryPrimitives.WriteInt16BigEndian(head, 2);
        BinaryPrimitives.WriteInt32BigEndian(head[2..], record.Key.Length);
        output.Advance(6);
        output.Write(record.Key.Span);
        var isDelete = record.Operation == RecordOperation.Delete;
        BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(4), isDelete ? -1 : record.Json.Length + 1);
        output.Advance(4);
        if (isDelete) return;
        output.Write([JsonbVersion]);
        output.Write(record.Json.Span);
    }

    private static async Task BreakOffAsync(NpgsqlRawCopyStream stream)
    {
        try
        {
            await stream.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresFailure.IsOne(e) || e is OperationCanceledException)
        {
            // The failure that led here says why.
        }
    }
}
