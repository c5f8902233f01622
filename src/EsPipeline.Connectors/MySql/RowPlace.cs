namespace EsPipeline.Connectors.MySql;

/// <summary>The values of the row that was read last, by which reading goes on; kept without an allocation for each row.</summary>
internal sealed class RowPlace
{
    private byte[][] _values = [];
    private int[] _lengths = [];
    private bool _isSet;

    /// <param name="values">Where reading begins; null for the beginning.</param>
    public RowPlace(byte[][]? values)
    {
        if (values is null) return;
        _values = [.. values.Select(v => v.ToArray())];
        _lengths = [.. values.Select(v => v.Length)];
        _isSet = true;
    }

    /// <summary>Takes a row's values.</summary>
    /// <returns>True where they are the same as before.</returns>
    public bool Move(MySqlResult row, int[] columns)
    {
        if (_values.Length != columns.Length)
        {
            _values = [.. columns.Select(_ => new byte[32])];
            _lengths = new int[columns.Length];
        }

        var same = _isSet;
        for (var i = 0; i < columns.Length; i++)
        {
            var value = row[columns[i]];
            same = same && value.SequenceEqual(_values[i].AsSpan(0, _lengths[i]));
            if (_values[i].Length < value.Length) _values[i] = new byte[value.Length * 2];
            value.CopyTo(_values[i]);
            _lengths[i] = value.Length;
        }

        _isSet = true;
        return same;
    }

    /// <summary>A copy of the values.</summary>
    public byte[][] ToValues() => [.. _values.Select((v, i) => v[.._lengths[i]])];
}
