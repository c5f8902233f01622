using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.MySql;

/// <summary>Adds up what became of the records of one slice.</summary>
internal sealed class SliceResult
{
    private readonly List<RecordFailure> _failures = [];
    private int _written;
    private int _unchanged;

    /// <summary>Records that were written, or that a later one of the same key stands for.</summary>
    public void Written(int count) => _written += count;

    /// <summary>Records that were refused before anything was sent.</summary>
    public void Refused(IEnumerable<RecordFailure> failures) => _failures.AddRange(failures);

    /// <summary>The result of one statement.</summary>
    /// <param name="result">The result, its failures counted from the statement's first row.</param>
    /// <param name="recordOf">The record of such a row.</param>
    public void Add(WriteResult result, Func<int, int> recordOf)
    {
        _written += result.Written;
        _unchanged += result.Unchanged;
        _failures.AddRange(result.Failures.Select(f => f with { Index = recordOf(f.Index) }));
    }

    /// <summary>The result of the slice.</summary>
    public WriteResult ToResult()
    {
        _failures.Sort((a, b) => a.Index.CompareTo(b.Index));
        return new WriteResult(_written, _unchanged, _failures);
    }
}
