using System.Globalization;
using System.Text;
using EsPipeline.Core.Verification;

namespace EsPipeline.Core.Tests.Verification;

/// <summary>Comparing keys bucket by bucket, in memory and from a file, against the plainest means.</summary>
public sealed class KeyComparisonTests
{
    // With all of them in memory; with nearly all in the file; with buckets that have to be dealt twice, and as often as it goes.
    [Theory]
    [InlineData(30_000, 1L << 30, 1L << 20)]
    [InlineData(30_000, 100_000, 1L << 20)]
    [InlineData(30_000, 10_000, 500)]
    [InlineData(600, 100_000, 60)]
    public void However_little_fits_into_memory_each_key_stands_as_it_does(int entries, long memory, long bucket)
    {
        var random = new Random(11);
        using var expected = new KeyTable(memory, 7);
        using var found = new KeyTable(memory, 7);
        var (wanted, there) = (new Dictionary<string, UInt128>(), new Dictionary<string, UInt128>());
        for (var i = 0; i < entries; i++)
        {
            // Some keys come again: the last one counts.
            var key = string.Create(CultureInfo.InvariantCulture, $"key-{random.Next(entries * 2 / 3)}{new string('x', random.Next(20))}");
            var content = (UInt128)(ulong)random.Next(3);
            var side = random.Next(10);
            if (side > 0) Add(expected, wanted, key, content);
            if (side < 9) Add(found, there, key, content);
        }

        var verdicts = new Dictionary<string, Verdict>();
        new KeyComparison(7, Winner.Last, (key, verdict, _) => verdicts.Add(Encoding.UTF8.GetString(key), verdict)) { MostBucketBytes = bucket }.Run(expected, found);
        Assert.Equal(wanted.Keys.Union(there.Keys).Order(), verdicts.Keys.Order());
        foreach (var (key, verdict) in verdicts)
        {
            var right = !wanted.TryGetValue(key, out var a) ? Verdict.Extra : !there.TryGetValue(key, out var b) ? Verdict.Missing : a == b ? Verdict.Equal : Verdict.Different;
            Assert.True(right == verdict, $"{key} is {verdict} instead of {right}");
        }
    }

    [Theory]
    [InlineData("AB", "B", "Last", "Equal")]
    [InlineData("AB", "A", "Last", "Different")]
    [InlineData("ABC", "A", "FirstOrLast", "Equal")]
    [InlineData("ABC", "C", "FirstOrLast", "Equal")]
    [InlineData("ABC", "B", "FirstOrLast", "Different")]
    [InlineData("ABC", "B", "Any", "Equal")]
    [InlineData("ABC", "D", "Any", "Different")]
    [InlineData("A-", "", "Last", null)]
    [InlineData("A-", "A", "Last", "Extra")]
    [InlineData("-A", "A", "Last", "Equal")]
    [InlineData("-A", "", "Last", "Missing")]
    [InlineData("A!", "", "Last", "Unwritable")]
    [InlineData("!A", "B", "Last", "Unwritable")]
    [InlineData("!", "B", "Last", "Unwritable")]
    [InlineData("A", "?", "Last", "Different")]
    [InlineData("", "?", "Last", "Extra")]
    [InlineData("A", "A-", "Last", "Missing")]
    public void Of_a_key_that_comes_again_the_right_record_counts(string expected, string found, string winner, string? verdict)
    {
        using var wanted = Table(expected);
        using var there = Table(found);
        var verdicts = new List<string>();
        new KeyComparison(7, Enum.Parse<Winner>(winner), (_, v, _) => verdicts.Add(v.ToString())).Run(wanted, there);
        Assert.Equal(verdict is null ? [] : [verdict], verdicts);
    }

    [Fact]
    public void A_sketch_has_every_key_that_was_added_and_few_others()
    {
        var sketch = new KeySketch(3);
        for (var i = 0; i < 100_000; i++) sketch.Add(BitConverter.GetBytes(i));
        Assert.All(Enumerable.Range(0, 100_000), i => Assert.True(sketch.MayHave(BitConverter.GetBytes(i))));
        Assert.InRange(Enumerable.Range(100_000, 100_000).Count(i => sketch.MayHave(BitConverter.GetBytes(i))), 0, 10);
    }

    private static void Add(KeyTable table, Dictionary<string, UInt128> model, string key, UInt128 content)
    {
        table.Add(Encoding.UTF8.GetBytes(key), KeyState.Document, content);
        model[key] = content;
    }

    // A letter is a document, - a delete, ! a record that is not taken, ? something unreadable.
    private static KeyTable Table(string states)
    {
        var table = new KeyTable(1 << 20, 7);
        foreach (var state in states)
        {
            table.Add("k"u8, state switch { '-' => KeyState.Deleted, '!' => KeyState.Unwritable, '?' => KeyState.Unreadable, _ => KeyState.Document }, (UInt128)state);
        }

        return table;
    }
}
