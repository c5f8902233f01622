using System.Text;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Planning;

/// <summary>Counts what a plan finds, with memory for a fixed number of examples and keys. Not thread-safe.</summary>
/// <param name="mostKeys">How many keys are remembered.</param>
/// <param name="seed">The seed of their hashes.</param>
internal sealed class PlanTally(long mostKeys, ulong seed)
{
    private const int Examples = 10;
    private const int LongestKey = 200;

    private readonly Dictionary<(ErrorCode Error, PrefixedNames? Names), (long Count, List<(long Order, FailingRecord Record)> Worst)> _problems = [];
    private readonly KeyMemory _keys = new(mostKeys, seed);
    private readonly List<DuplicateKey> _duplicates = [];
    private long _order;
    private long _duplicateCount;
    private bool _looksForDuplicates;

    public long Read { get; set; }

    public long BytesRead { get; set; }

    public long ToWrite { get; set; }

    public long BytesToWrite { get; set; }

    public long Filtered { get; set; }

    public long Requests { get; set; }

    public long BilledWrites { get; set; }

    /// <summary>Why records would be set aside, the most frequent cause first.</summary>
    public IReadOnlyList<ProblemGroup> Problems =>
    [
        .. _problems.OrderByDescending(p => p.Value.Count).ThenBy(p => p.Key.Error.Code, StringComparer.Ordinal)
            .Select(p => new ProblemGroup(p.Key.Error, p.Value.Count, [.. p.Value.Worst.OrderBy(w => w.Order).Select(w => w.Record)]) { Names = p.Key.Names }),
    ];

    /// <summary>Keys that came again; null where none was looked for.</summary>
    public DuplicateKeys? Duplicates(bool keepsFirst) =>
        _looksForDuplicates ? new DuplicateKeys(_duplicateCount, _duplicates, _keys.Complete, keepsFirst) : null;

    /// <summary>Notes a record that would be set aside; the largest ones are kept.</summary>
    /// <param name="error">Why.</param>
    /// <param name="key">Its key.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="reason">What is wrong with it.</param>
    /// <param name="names">How options are called at the end that refuses it; null for their plain names.</param>
    public void AddFailure(ErrorCode error, ReadOnlySpan<byte> key, string place, long bytes, string reason, PrefixedNames? names = null)
    {
        var (count, worst) = _problems.GetValueOrDefault((error, names), (0, []));
        _problems[(error, names)] = (count + 1, worst);
        var order = _order++;
        if (worst.Count == Examples)
        {
            var least = worst.MinBy(w => (w.Record.Bytes, -w.Order));
            if (bytes <= least.Record.Bytes) return;
            worst.Remove(least);
        }

        worst.Add((order, new FailingRecord(TextOf(key), place, bytes, reason)));
    }

    /// <summary>Notes a key.</summary>
    /// <returns>True where it was there before.</returns>
    public bool IsDuplicate(in Record record, RecordBatch batch)
    {
        _looksForDuplicates = true;
        if (_keys.FirstPlaceOf(record.Key.Span, batch.PlaceUnit, record.Place) is not { } first) return false;
        if (_duplicateCount++ < Examples) _duplicates.Add(new DuplicateKey(TextOf(record.Key.Span), first, batch.PlaceOf(record.Place)));
        return true;
    }

    private static string TextOf(ReadOnlySpan<byte> key)
    {
        var text = Encoding.UTF8.GetString(key[..Math.Min(key.Length, 4 * LongestKey)]);
        return text.Length <= LongestKey ? text : text[..LongestKey] + "…";
    }
}
