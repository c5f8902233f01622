using System.Globalization;
using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The partitions that a table had: <c>division:sum</c>, or <c>division:sum:step.step…</c>.</summary>
/// <param name="Sum">A checksum of their numbers.</param>
/// <param name="Steps">
/// Their numbers in ascending order, each as the step from the one before it; empty where there are too many for a position, or where an
/// earlier release has saved it.
/// </param>
internal sealed record DivisionPosition(uint Sum, string Steps) : PostgresPosition
{
    // A position has at most 4 KiB.
    private const int MostCharacters = 4000;

    /// <summary>The partitions that a table has now.</summary>
    public static DivisionPosition Of(PostgresTable table)
    {
        uint[] numbers = [.. table.Stores.Select(s => s.Oid)];
        var sum = SumOf(MemoryMarshal.AsBytes<uint>(numbers));
        var (steps, last) = (new List<string>(), 0U);
        foreach (var number in numbers.Order())
        {
            steps.Add((number - last).ToString(CultureInfo.InvariantCulture));
            last = number;
        }

        var text = string.Join('.', steps);
        return new DivisionPosition(sum, text.Length <= MostCharacters ? text : "");
    }

    /// <summary>The partitions of a table that are new since then; null where that is not known, or some have gone.</summary>
    public IReadOnlyList<PostgresStore>? CameTo(PostgresTable table)
    {
        if (Steps.Length == 0) return null;
        var (before, number) = (new HashSet<uint>(), 0U);
        foreach (var step in Steps.Split('.')) before.Add(number += uint.Parse(step, CultureInfo.InvariantCulture));
        PostgresStore[] came = [.. table.Stores.Where(s => !before.Contains(s.Oid))];
        return table.Stores.Count - came.Length == before.Count ? came : null;
    }

    /// <inheritdoc/>
    protected override string Text => string.Create(CultureInfo.InvariantCulture, $"division:{Sum}{(Steps.Length == 0 ? "" : ":" + Steps)}");
}
