using System.Text;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Records;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>What has to come of a world, as far as it can be seen by now, by whichever way.</summary>
/// <param name="world">The world.</param>
/// <param name="visible">How many items of each partition can be read.</param>
internal sealed class WorldModel(World world, IReadOnlyList<int> visible)
{
    private IEnumerable<WorldItem> Visible => world.Partitions.SelectMany((p, i) => p.Items.Take(visible[i]));

    /// <summary>The visible records of each key, in order; neither malformed ones nor those that a rule leaves out.</summary>
    private ILookup<string, WorldItem> Records => Visible.Where(IsRecord).ToLookup(i => i.Key);

    /// <summary>What is wrong with a keyed sink's documents when all is done.</summary>
    public IEnumerable<string> WrongDocuments(Dictionary<string, string> documents)
    {
        foreach (var key in documents.Keys.Where(k => !Records.Contains(k))) yield return $"{key} is there and should not be.";
        foreach (var records in Records)
        {
            // What is refused leaves the state that it should have replaced.
            var last = records.Where(r => !r.Bad).MaxBy(r => r.Order);
            var expected = last is null ? null : State(last);
            var actual = documents.GetValueOrDefault(records.Key);
            if (actual != expected) yield return $"{records.Key} holds {actual ?? "nothing"} instead of {expected ?? "nothing"}; its records are {string.Join(", ", records.OrderBy(r => r.Order))}.";
        }

        static string? State(WorldItem item) => item.Operation == RecordOperation.Delete ? null : item.Json;
    }

    /// <summary>What is wrong with a file when all is done: it is to be the one that a run without a break writes.</summary>
    public IEnumerable<string> WrongLines(List<WorldItem> lines)
    {
        var expected = Visible.Where(i => IsRecord(i) && !i.Bad).ToArray();
        foreach (var item in expected.Except(lines)) yield return $"{item} is missing in the file.";
        foreach (var twice in lines.GroupBy(l => l).Where(g => g.Count() > 1)) yield return $"{twice.Key} is in the file {twice.Count()} times.";
        foreach (var item in lines.Except(expected)) yield return $"{item} is in the file and should not be.";

        // Partitions that are read at once may take turns; within one, and in passes in order, there is one order only.
        foreach (var part in lines.GroupBy(l => world.InOrder ? 0 : l.Partition))
        {
            // What came as a change stands behind the first pass.
            var order = part.Select(l => (l.Number >= world.FirstPass[l.Partition], l.Order)).ToArray();
            if (!order.SequenceEqual(order.Order())) yield return $"The lines of partition {part.Key} are out of order.";
        }
    }

    /// <summary>What is wrong with the open dead letters when all is done.</summary>
    public IEnumerable<string> WrongLetters(IReadOnlyList<DeadLetter> open)
    {
        var actual = open.Where(l => !l.Malformed).Select(l => Encoding.UTF8.GetString(l.Document.Span)).ToArray();
        var expected = Records.Select(r => r.MaxBy(i => i.Order)!).Where(i => i.Bad).Select(i => i.Json).ToArray();
        foreach (var json in expected.Except(actual)) yield return $"{Document.Short(json, 30)} is refused and has no open letter.";
        foreach (var json in actual.Except(expected)) yield return $"{Document.Short(json, 30)} has an open letter and should have none.";
        foreach (var twice in actual.GroupBy(j => j).Where(g => g.Count() > 1)) yield return $"{Document.Short(twice.Key, 30)} has {twice.Count()} open letters.";

        var malformed = open.Where(l => l.Malformed).Select(l => Encoding.UTF8.GetString(l.Document.Span)).ToArray();
        foreach (var item in Visible.Where(IsMalformed))
        {
            var letters = malformed.Count(m => m == item.Json);
            var mayBeSettled = item.Key.Length > 0 && Records[item.Key].Any(r => r.Order > item.Order);
            if (letters > 1 || (letters == 0 && !mayBeSettled)) yield return $"{item} has {letters} open letters.";
        }
    }

    /// <summary>What is wrong with the account of a pass that was never killed.</summary>
    public IEnumerable<string> WrongAccount(AccountTotals account, IReadOnlyList<int> before)
    {
        var items = world.Partitions.SelectMany((p, i) => p.Items.Take(visible[i]).Skip(before[i])).ToArray();
        if (account.Read != items.Length) yield return $"{account.Read} were read instead of {items.Length}.";
        if (account.Filtered != items.Count(world.IsFiltered)) yield return $"{account.Filtered} were filtered instead of {items.Count(world.IsFiltered)}.";
        if (!world.UniqueKeys && !world.IsFile) yield break;
        var deadLettered = items.Count(i => IsMalformed(i) || (IsRecord(i) && i.Bad));
        if (account.DeadLettered != deadLettered) yield return $"{account.DeadLettered} were set aside instead of {deadLettered}.";
        if (account.Written != items.Count(i => IsRecord(i) && !i.Bad)) yield return $"{account.Written} were written.";
    }

    /// <summary>Items before the positions that are neither in the sink nor in the dead letters.</summary>
    /// <param name="reached">The position of each partition.</param>
    /// <param name="applied">The last record that was applied to each key.</param>
    /// <param name="letters">The text of the dead-letter file.</param>
    public IEnumerable<WorldItem> UnsafeInSink(IReadOnlyList<int> reached, Dictionary<string, WorldItem> applied, string letters)
    {
        var passed = Passed(reached);
        foreach (var item in passed.Where(i => IsMalformed(i) && !HasLetter(i, letters))) yield return item;
        foreach (var records in passed.Where(IsRecord).GroupBy(i => i.Key))
        {
            var last = records.MaxBy(r => r.Order)!;
            if (last.Bad && !IsApplied(last) && !HasLetter(last, letters)) yield return last;
            if (records.Where(r => !r.Bad).MaxBy(r => r.Order) is { } good && !IsApplied(good)) yield return good;
        }

        bool IsApplied(WorldItem item) => applied.TryGetValue(item.Key, out var there) && there.Order >= item.Order;
    }

    /// <summary>Items that the positions and the file do not agree on, or that have no letter.</summary>
    public IEnumerable<WorldItem> UnsafeInFile(IReadOnlyList<int> reached, IReadOnlyList<WorldItem> lines, string letters)
    {
        var passed = Passed(reached);
        foreach (var item in passed.Where(i => (IsMalformed(i) || (IsRecord(i) && i.Bad)) && !HasLetter(i, letters))) yield return item;
        var writable = passed.Where(i => IsRecord(i) && !i.Bad).ToHashSet();
        foreach (var item in writable.Except(lines)) yield return item;
        foreach (var item in lines.Where(l => !writable.Contains(l))) yield return item;
    }

    private static bool HasLetter(WorldItem item, string letters) => letters.Contains($"#{item.Tag}#", StringComparison.Ordinal);

    // One that belongs to another shard is that one's to set aside.
    private bool IsMalformed(WorldItem item) => item.Malformed && !world.IsFiltered(item);

    private bool IsRecord(WorldItem item) => !item.Malformed && !world.IsFiltered(item);

    private WorldItem[] Passed(IReadOnlyList<int> reached) => [.. world.Partitions.SelectMany((p, i) => p.Items.Take(reached[i]))];
}
