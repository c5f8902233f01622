using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// The order in which records are written: by key, so that two writers that hold several rows never wait for each other in a circle, and of
/// each key only the last record where that replaces the others.
/// </summary>
internal static class KeyOrder
{
    /// <summary>The indexes of the records to write, in order; those that are left out have a later record of the same key.</summary>
    /// <param name="slice">The records.</param>
    /// <param name="write">Where rows that are there are left alone, all records of a key are written, the first one first.</param>
    public static int[] Of(RecordSlice slice, MySqlWrite write)
    {
        var indexes = new int[slice.Count];
        var sorted = true;
        for (var i = 0; i < indexes.Length; i++)
        {
            indexes[i] = i;
            sorted &= i == 0 || slice[i - 1].Key.Span.SequenceCompareTo(slice[i].Key.Span) < 0;
        }

        if (sorted) return indexes;
        Array.Sort(indexes, (a, b) => slice[a].Key.Span.SequenceCompareTo(slice[b].Key.Span) is not 0 and var order ? order : a.CompareTo(b));
        if (write == MySqlWrite.InsertIgnore) return indexes;
        var count = 0;
        for (var i = 0; i < indexes.Length; i++)
        {
            var isLast = i + 1 == indexes.Length || !slice[indexes[i]].Key.Span.SequenceEqual(slice[indexes[i + 1]].Key.Span);
            if (isLast) indexes[count++] = indexes[i];
        }

        return indexes[..count];
    }
}
