using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Remembers the rows of the last moments that were handed on, so that reading these moments again, as following by time has to, hands on
/// only what is new or has changed. What it has forgotten is handed on once more, which does no harm.
/// </summary>
internal sealed class SeenRows
{
    private const int MostRows = 1_000_000;

    private readonly List<UInt128> _pending = [];
    private HashSet<UInt128> _before = [];
    private HashSet<UInt128> _now = [];

    /// <summary>False for a record that was handed on before exactly as it is.</summary>
    public bool IsNew(RecordBatchBuilder record)
    {
        var hash = KeyHash.Compute(record.Current, 0);
        var seen = _before.Contains(hash) || _now.Contains(hash);
        if (_now.Count + _pending.Count < MostRows) _pending.Add(hash);
        return !seen;
    }

    /// <summary>Takes note that what was asked for since the last time was handed on. A record of a batch that never was is not remembered.</summary>
    public void HandedOn()
    {
        _now.UnionWith(_pending);
        _pending.Clear();
    }

    /// <summary>Forgets what was read and not handed on.</summary>
    public void BeginPass() => _pending.Clear();

    /// <summary>Ends a pass: what it has not met again lies behind the times that will be read again.</summary>
    public void EndPass() => (_before, _now) = (_now, []);
}
