namespace EsPipeline.Connectors.Files;

/// <summary>
/// Tells whether keys come in ascending order, so that none can have come before: as bytes, or shorter ones first, which is the order of
/// numbers as well. Either order will do, as long as it holds for all of them.
/// </summary>
internal sealed class AscendingKeys
{
    private byte[] _last = [];
    private int _length = -1;
    private bool _asBytes = true;
    private bool _asNumbers = true;

    /// <summary>True where a key comes after all that were added.</summary>
    public bool IsNext(ReadOnlySpan<byte> key) => _length < 0 || FollowsAsBytes(key) || FollowsAsNumber(key);

    /// <summary>Adds a key that <see cref="IsNext"/>.</summary>
    public void Add(ReadOnlySpan<byte> key)
    {
        if (_length >= 0) (_asBytes, _asNumbers) = (FollowsAsBytes(key), FollowsAsNumber(key));
        if (_last.Length < key.Length) _last = new byte[2 * key.Length];
        key.CopyTo(_last);
        _length = key.Length;
    }

    private bool FollowsAsBytes(ReadOnlySpan<byte> key) => _asBytes && key.SequenceCompareTo(_last.AsSpan(0, _length)) > 0;

    private bool FollowsAsNumber(ReadOnlySpan<byte> key) =>
        _asNumbers && (key.Length > _length || (key.Length == _length && key.SequenceCompareTo(_last.AsSpan(0, _length)) > 0));
}
