using System.Buffers;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Records;

/// <summary>The part of all keys that one of several processes copies: the same key always falls to the same part.</summary>
/// <param name="Index">This part, from 0.</param>
/// <param name="Count">How many parts there are.</param>
public readonly record struct Shard(int Index, int Count)
{
    /// <summary>True where a key belongs to this part.</summary>
    public bool Has(ReadOnlySpan<byte> key) => Count <= 1 || KeyHash.Compute64(key, 0) % (ulong)Count == (ulong)Index;
}

/// <summary>Applies a run's rules to every record: another key, fields kept, left out, renamed or set, and this process's shard of the keys.</summary>
public sealed class RecordTransform : IRecordTransform
{
    private readonly TransformRules _rules;
    private readonly byte[][]? _idPath;
    private readonly string? _idField;
    private readonly Shard _shard;

    /// <param name="rules">What happens to fields.</param>
    /// <param name="idField">The dotted path of the field to use as key; null for the source's own key.</param>
    /// <param name="shard">The part of all keys to copy.</param>
    public RecordTransform(TransformRules rules, string? idField, Shard shard)
    {
        (_rules, _idField, _shard) = (rules, idField, shard);
        _idPath = idField?.Split('.').Select(Encoding.UTF8.GetBytes).ToArray();
    }

    /// <inheritdoc/>
    public bool ChangesKeys => _idPath is not null;

    /// <inheritdoc/>
    public RecordBatch Apply(RecordBatch batch, out int filtered)
    {
        filtered = 0;
        using var source = batch;
        using var output = new RecordBatchBuilder();
        foreach (var malformed in batch.Malformed)
        {
            if (HasUnkeyed(malformed.Key.Span, malformed.Raw.Span)) output.AddMalformed(malformed.Place, malformed.Key.Span, malformed.Raw.Span, malformed.Error, malformed.Reason);
            else filtered++;
        }

        foreach (ref readonly var record in batch.Records.Span)
        {
            if (!Transform(record, output)) filtered++;
        }

        return output.Build(batch.End, batch.Extent, batch.PlaceUnit);
    }

    // What has no key of its own in the sink falls to a shard, too, so that one of them sets it aside: by the key it has at the source, or
    // else by its bytes.
    private bool HasUnkeyed(ReadOnlySpan<byte> key, ReadOnlySpan<byte> raw) => _shard.Has(key.IsEmpty ? raw : key);

    // False where the record belongs to another shard.
    private bool Transform(in Record record, RecordBatchBuilder output)
    {
        if (WriteKey(record, output) is var (error, reason))
        {
            output.DropRecord();
            if (!HasUnkeyed(record.Key.Span, record.Json.Span)) return false;
            output.AddMalformed(record.Place, record.Key.Span, record.Json.Span, error, reason);
            return true;
        }

        output.EndKey();
        if (!_shard.Has(output.Current))
        {
            output.DropRecord();
            return false;
        }

        if (WriteDocument(record, output) is var (problem, why))
        {
            output.DropRecord();
            output.AddMalformed(record.Place, record.Key.Span, record.Json.Span, problem, why);
            return true;
        }

        output.EndRecord(record.Operation, record.Version, record.Place);
        return true;
    }

    private (ErrorCode Error, string Reason)? WriteKey(in Record record, RecordBatchBuilder output)
    {
        if (_idPath is null)
        {
            output.Write(record.Key.Span);
            return null;
        }

        if (record.Operation == RecordOperation.Delete) return (TransformErrors.DeleteWithoutDocument, "A delete has no document to take the key from.");
        try
        {
            return JsonKey.TryWrite(record.Json.Span, _idPath, output) ? null : (TransformErrors.NoId, $"It has no text or number in '{_idField}'.");
        }
        catch (JsonException e)
        {
            return NotJson(e);
        }
    }

    private (ErrorCode Error, string Reason)? WriteDocument(in Record record, RecordBatchBuilder output)
    {
        if (record.Operation == RecordOperation.Delete || !_rules.Any)
        {
            output.Write(record.Json.Span);
            return null;
        }

        try
        {
            return _rules.Apply(record.Json.Span, output);
        }
        catch (JsonException e)
        {
            return NotJson(e);
        }
    }

    private static (ErrorCode Error, string Reason) NotJson(JsonException e) => (TransformErrors.NotAnObject, $"It is not JSON: {e.Message}");
}
