using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>What a file holds last of each key, as hashes, to tell a record that comes again as it was from one that has changed.</summary>
internal sealed class LatestRecords
{
    private readonly Dictionary<UInt128, UInt128> _written = [];
    private readonly Dictionary<UInt128, UInt128> _pending = [];

    /// <summary>How many keys it holds.</summary>
    public int Count => _written.Count;

    /// <summary>Takes note of a record that is to be written.</summary>
    /// <returns>False where it is the last that was written of its key.</returns>
    public bool Add(in Record record)
    {
        var key = KeyHash.Compute(record.Key.Span, 0);
        var content = KeyHash.Compute(record.Json.Span, 0);
        if ((_pending.TryGetValue(key, out var last) || _written.TryGetValue(key, out last)) && last == content) return false;
        _pending[key] = content;
        return true;
    }

    /// <summary>What was noted has been written.</summary>
    public void Written()
    {
        foreach (var (key, content) in _pending) _written[key] = content;
        _pending.Clear();
    }

    /// <summary>What was noted was not written after all.</summary>
    public void Forget() => _pending.Clear();
}
