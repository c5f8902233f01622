using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Remembers the rows of the last moments that were handed on, so that reading these moments again, as following by time has to, hands on
/// only what is new or has changed. What it has forgotten is handed on once more, which does no harm.
/// </summary>
internal sealed class SeenRows
{
    private const int MostRows = 1_000_000;

    // What each key was handed on as last: one that becomes what it was before last is new.
    private readonly Dictionary<UInt128, UInt128> _pending = [];
    private Dictionary<UInt128, UInt128> _before = [];
    private Dictionary<UInt128, UInt128> _now = [];

    /// <summary>False for a record that its key was last handed on as, exactly as it is.</summary>
    public bool IsNew(RecordBatchBuilder record)
    {
        var (key, hash) = (KeyHash.Compute(record.CurrentKey, 0), KeyHash.Compute(record.Current, 0));
        var seen = (_pending.TryGetValue(key, out var last) || _now.TryGetValue(key, out last) || _before.TryGetValue(key, out last)) && last == hash;
        if (_now.Count + _pending.Count < MostRows) _pending[key] = hash;
        else if (!seen) Forget(key);
        return !seen;
    }

    /// <summary>Takes note that what was asked for since the last time was handed on. A record of a batch that never was is not remembered.</summary>
    public void HandedOn()
    {
        foreach (var (key, hash) in _pending) _now[key] = hash;
        _pending.Clear();
    }

    /// <summary>Forgets what was read and not handed on.</summary>
    public void BeginPass() => _pending.Clear();

    /// <summary>Ends a pass: what it has not met again lies behind the times that will be read again.</summary>
    public void EndPass() => (_before, _now) = (_now, []);

    private void Forget(UInt128 key)
    {
        _pending.Remove(key);
        _now.Remove(key);
        _before.Remove(key);
    }
}
