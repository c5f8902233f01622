using System.Text;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Planning;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>Collects how keys stand: counts, the first keys of each kind, and all keys to look at again or to repair.</summary>
/// <param name="seed">The seed of the keys' hashes.</param>
/// <param name="examples">How many keys of each kind are kept for showing.</param>
/// <param name="extras">Whether it can be told what is extra.</param>
/// <param name="letters">The job's dead letters by key.</param>
/// <param name="problems">Where a record is noted that the job has set aside.</param>
internal sealed class Differences(
    ulong seed, int examples, bool extras, IReadOnlyDictionary<byte[], DeadLetter> letters, PlanTally problems) : IDisposable
{
    private const long KeyBytes = 8 << 20;

    /// <summary>Keys that are missing.</summary>
    public KeySample Missing { get; } = new(examples);

    /// <summary>Keys whose documents differ.</summary>
    public KeySample Different { get; } = new(examples);

    /// <summary>Keys that are extra.</summary>
    public KeySample Extra { get; } = new(examples);

    /// <summary>All of these keys.</summary>
    public KeySketch Sketch { get; } = new(seed);

    /// <summary>All of these keys once more: <see cref="KeyState.Document"/> to write, <see cref="KeyState.Deleted"/> to delete.</summary>
    public KeyTable Table { get; } = new(KeyBytes, seed);

    /// <summary>Keys that stand equal.</summary>
    public long Equal { get; private set; }

    /// <summary>Keys that the job has set aside, and that the sink has not or otherwise.</summary>
    public long SetAside { get; private set; }

    /// <summary>Keys that should be in the sink, set aside or not.</summary>
    public long Keys => Equal + Missing.Count + Different.Count + SetAside;

    /// <summary>Keys to look at again.</summary>
    public long Suspects => Missing.Count + Different.Count + Extra.Count;

    /// <summary>What both ends have of the keys to look at again: the same in two looks only if none of them has changed between.</summary>
    public UInt128 Contents { get; private set; }

    /// <summary>Whether it can be told what is extra.</summary>
    public bool TellsExtras => extras;

    /// <summary>Notes how a key stands.</summary>
    public void Note(ReadOnlySpan<byte> key, Verdict verdict, UInt128 contents)
    {
        switch (verdict)
        {
            case Verdict.Equal:
                Equal++;
                break;
            case Verdict.Missing or Verdict.Different when letters.Count > 0 && IsSetAside(key):
                SetAside++;
                break;
            case Verdict.Missing:
                Add(Missing, key, KeyState.Document, contents);
                break;
            case Verdict.Different:
                Add(Different, key, KeyState.Document, contents);
                break;
            case Verdict.Extra when extras:
                Add(Extra, key, KeyState.Deleted, contents);
                break;
        }
    }

    /// <summary>Describes the documents that differ and that were kept.</summary>
    public void Describe(Look look) => Different.Describe(look);

    /// <inheritdoc/>
    public void Dispose() => Table.Dispose();

    private void Add(KeySample sample, ReadOnlySpan<byte> key, KeyState state, UInt128 contents)
    {
        Contents += KeyHash.Compute(key, seed) ^ contents;
        sample.Add(key);
        Sketch.Add(key);
        Table.Add(key, state, default);
    }

    private bool IsSetAside(ReadOnlySpan<byte> key)
    {
        if (!letters.TryGetValue(key.ToArray(), out var letter)) return false;
        problems.AddFailure(VerifyErrors.SetAside, key, letter.Place, 0, $"{letter.Reason} ({letter.Code})");
        return true;
    }
}

/// <summary>Counts keys, and keeps the smallest of them by their bytes.</summary>
/// <param name="most">How many are kept.</param>
internal sealed class KeySample(int most)
{
    private const int LongestKey = 200;

    private readonly SortedSet<byte[]> _smallest = new(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
    private readonly Dictionary<byte[], IReadOnlyList<string>> _described = new(KeyComparer.Instance);

    /// <summary>Keys added.</summary>
    public long Count { get; private set; }

    /// <summary>The smallest of them.</summary>
    public IReadOnlyCollection<byte[]> Smallest => _smallest;

    /// <summary>Adds a key.</summary>
    public void Add(ReadOnlySpan<byte> key)
    {
        Count++;
        if (most == 0 || (_smallest.Count == most && key.SequenceCompareTo(_smallest.Max) >= 0)) return;
        _smallest.Add(key.ToArray());
        if (_smallest.Count > most) _smallest.Remove(_smallest.Max!);
    }

    /// <summary>Says of the kept keys what differs, as far as the look has kept both documents.</summary>
    public void Describe(Look look)
    {
        foreach (var key in _smallest)
        {
            if (look.Pairs.Of(key) is var (expected, found)) _described[key] = FieldDifferences.Of(expected, found, look.Fields, new CanonicalJson(look.Place.FractionsAreDoubles));
        }
    }

    /// <summary>As it is told.</summary>
    public KeyGroup ToGroup(int shown) => new(Count, [.. _smallest.Take(shown).Select(k => new KeyExample(TextOf(k), _described.GetValueOrDefault(k, [])))]);

    private static string TextOf(byte[] key)
    {
        var text = Encoding.UTF8.GetString(key);
        return text.Length <= LongestKey ? text : text[..LongestKey] + "…";
    }
}
