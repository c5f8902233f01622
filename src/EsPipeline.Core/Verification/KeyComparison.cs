using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>How a key stands.</summary>
internal enum Verdict
{
    /// <summary>The sink holds what it should.</summary>
    Equal,

    /// <summary>The sink has no document of the key.</summary>
    Missing,

    /// <summary>The sink has another document.</summary>
    Different,

    /// <summary>The source has no record of the key.</summary>
    Extra,

    /// <summary>The sink would not take the record, so whatever it holds is right.</summary>
    Unwritable,
}

/// <summary>Which of several records of one key the sink may hold.</summary>
internal enum Winner
{
    /// <summary>The last, in the order in which they were read.</summary>
    Last,

    /// <summary>The first, or the last where a later run has added it: a file.</summary>
    FirstOrLast,

    /// <summary>Any: they came from parts of the source that are read at the same time.</summary>
    Any,
}

/// <summary>Compares what should be there with what is, bucket by bucket; a bucket that is too large is dealt again.</summary>
/// <param name="seed">The seed of the tables' hashes.</param>
/// <param name="winner">What goes for keys that come again.</param>
/// <param name="tell">Told how each key stands; the key is borrowed.</param>
internal sealed class KeyComparison(ulong seed, Winner winner, TellVerdict tell)
{
    private const int DeepestLevel = 7;

    /// <summary>Bytes of a bucket that is compared at once: about 100,000 short keys, which take some five times as much meanwhile.</summary>
    public long MostBucketBytes { get; init; } = 4 << 20;

    /// <summary>Compares two tables of the same seed and level.</summary>
    public void Run(KeyTable expected, KeyTable found, int level = 0)
    {
        for (var bucket = 0; bucket < KeyTable.Buckets; bucket++)
        {
            if (expected.BytesOf(bucket) + found.BytesOf(bucket) <= MostBucketBytes || level == DeepestLevel)
            {
                Compare(expected, found, bucket);
                continue;
            }

            using var expectedPart = Dealt(expected, bucket, level + 1);
            using var foundPart = Dealt(found, bucket, level + 1);
            Run(expectedPart, foundPart, level + 1);
        }
    }

    private KeyTable Dealt(KeyTable table, int bucket, int level)
    {
        var dealt = new KeyTable(2 * MostBucketBytes, seed, level);
        table.Read(bucket, dealt.Add);
        return dealt;
    }

    private void Compare(KeyTable expected, KeyTable found, int bucket)
    {
        var keys = new Dictionary<byte[], Standing>(KeyComparer.Instance);
        var byKey = keys.GetAlternateLookup<ReadOnlySpan<byte>>();
        Standing Of(ReadOnlySpan<byte> key)
        {
            if (!byKey.TryGetValue(key, out var standing)) byKey[key] = standing = new Standing();
            return standing;
        }

        expected.Read(bucket, (key, state, content) => Of(key).Expect(state, content, winner));
        found.Read(bucket, (key, state, content) => Of(key).Found = (state, content));
        foreach (var (key, standing) in keys)
        {
            if (standing.Verdict is { } verdict) tell(key, verdict, standing.Contents);
        }
    }

    private sealed class Standing
    {
        private readonly List<UInt128> _accepted = new(1);
        private bool _isExpected;
        private bool _mayBeGone;
        private bool _unwritable;

        public (KeyState State, UInt128 Content)? Found { get; set; }

        // Null for a key that is in neither end, as one that the source says is deleted and that has gone.
        public Verdict? Verdict
        {
            get
            {
                var isThere = Found is { State: not KeyState.Deleted };
                if (_unwritable) return Verification.Verdict.Unwritable;
                if (isThere && Found!.Value.State == KeyState.Document && _accepted.Contains(Found.Value.Content)) return Verification.Verdict.Equal;
                if (!isThere) return _accepted.Count == 0 ? null : _mayBeGone ? Verification.Verdict.Equal : Verification.Verdict.Missing;
                return _isExpected && _accepted.Count > 0 ? Verification.Verdict.Different : Verification.Verdict.Extra;
            }
        }

        /// <summary>What both ends have, as one number.</summary>
        public UInt128 Contents
        {
            get
            {
                var contents = Found is { } found ? found.Content + (UInt128)((int)found.State + 1) : 0;
                foreach (var content in _accepted) contents = (contents * 31) + content + 1;
                return contents;
            }
        }

        public void Expect(KeyState state, UInt128 content, Winner winner)
        {
            if (state == KeyState.Unwritable)
            {
                _unwritable = true;
                return;
            }

            if (winner == Winner.Last || !_isExpected)
            {
                _accepted.Clear();
                _mayBeGone = false;
            }
            else if (winner == Winner.FirstOrLast && _accepted.Count > 1)
            {
                _accepted.RemoveAt(1);
            }

            _isExpected = true;
            if (state == KeyState.Deleted) _mayBeGone = true;
            else if (!_accepted.Contains(content)) _accepted.Add(content);
        }
    }
}

/// <summary>Told how a key stands; the key is borrowed.</summary>
/// <param name="key">The key.</param>
/// <param name="verdict">How it stands.</param>
/// <param name="contents">A number that another look has again only if both ends still have what they had.</param>
internal delegate void TellVerdict(ReadOnlySpan<byte> key, Verdict verdict, UInt128 contents);
