using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Reads rows page by page, each page a query of its own that goes on behind the last row; a page that is larger than memory allows comes as
/// several batches. A query that can't be divided is read in one go. On a connection's thread.
/// </summary>
internal sealed class PageReader : IDisposable
{
    private const int FirstRows = 2000;
    private const int MostRows = 100_000;
    private const long TargetBytes = 4 << 20;
    private const long MostBytes = 8 << 20;
    private const int MostMalformed = 100;

    private readonly ReadTarget _target;
    private readonly KeysetQuery _query;
    private readonly Selection _selection;
    private readonly int? _pageSize;
    private readonly ReadWarnings _warnings;
    private readonly RecordBatchBuilder _output = new();
    private readonly RowPlace _place;
    private MySqlPosition _position;
    private MySqlResult? _result;
    private int _limit;
    private int _rowsOfPage;
    private long _bytesOfPage;

    /// <param name="target">What is read.</param>
    /// <param name="selection">Which times.</param>
    /// <param name="position">Where to begin.</param>
    /// <param name="byTime">True to read in the order of the time of change.</param>
    /// <param name="pageSize">Rows of a page; null to go by their bytes.</param>
    /// <param name="warnings">What is made of the server's warnings.</param>
    public PageReader(ReadTarget target, Selection selection, MySqlPosition position, bool byTime, int? pageSize, ReadWarnings warnings)
    {
        (_target, _selection, _position, _pageSize, _warnings) = (target, selection, position, pageSize, warnings);
        _query = new KeysetQuery(target, byTime);
        _place = new RowPlace(position.After);
        _limit = pageSize ?? FirstRows;
    }

    /// <summary>Behind the last row that was read.</summary>
    public MySqlPosition Position => _position;

    /// <summary>True once there are no more rows.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Reads the next batch.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="endOf">The position to give a batch, from the one behind its last row.</param>
    /// <param name="wants">Asked for each record that was read; false leaves it out. Null to take all.</param>
    public RecordBatch Read(MySqlSession session, Func<MySqlPosition, MySqlPosition> endOf, Func<RecordBatchBuilder, bool>? wants = null)
    {
        if (_result is null)
        {
            // Queries and views are sorted anew each time, so they are read at once.
            var since = _position is { Kind: PositionKind.Changes } ? null : _selection.Since;
            _result = session.Open(_query.Write(_position, since, _selection.Until, _target.IsUnindexed && _pageSize is null ? null : _limit).Span);
            (_rowsOfPage, _bytesOfPage) = (0, 0);
        }

        var rows = 0L;
        while (_output.Bytes < MostBytes && _output.MalformedCount < MostMalformed && rows < MostRows)
        {
            if (!_result.Read())
            {
                _result.Dispose();
                _result = null;
                _warnings.Look(session, _target.Name);
                EndPage();
                break;
            }

            rows++;
            _rowsOfPage++;
            var isAgain = _place.Move(_result, _query.PlaceColumns);
            if (isAgain && _target.IsUnindexed) AppendDuplicate(_position.Rows + rows);
            else Append(_position.Rows + rows, wants);
        }

        if (rows > 0) _position = _position with { After = _place.ToValues(), Rows = _position.Rows + rows };
        return _output.Build(endOf(_position).ToPosition(), rows, $"{_target.Name} row");
    }

    /// <summary>Gives back memory; a result that was not read to its end goes with its connection.</summary>
    public void Dispose() => _output.Dispose();

    private void Append(long place, Func<RecordBatchBuilder, bool>? wants)
    {
        var bytes = _output.Bytes;
        _query.Reader.Append(_result!, place, _output, wants);
        _bytesOfPage += _output.Bytes - bytes;
    }

    private void AppendDuplicate(long place)
    {
        _query.Reader.WriteKey(_result!, _output);
        var key = _output.Current.ToArray();
        _output.DropRecord();
        _output.AddMalformed(place, key, key, TableErrors.DuplicateKey, "Another row of the query has the same key.");
    }

    private void EndPage()
    {
        IsAtEnd = (_target.IsUnindexed && _pageSize is null) || _rowsOfPage < _limit;
        if (_pageSize is not null || _rowsOfPage == 0) return;
        var perRow = Math.Max(1, _bytesOfPage / _rowsOfPage);
        _limit = (int)Math.Clamp(TargetBytes / perRow, 50, MostRows);
    }
}
