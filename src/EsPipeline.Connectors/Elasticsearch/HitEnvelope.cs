namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// The whole hit as a document: what the document is and which. Everything else in a hit is about the search, such as the place of the document
/// in the view, and would be another at the next read.
/// </summary>
internal static class HitEnvelope
{
    /// <summary>Moves what is kept together at the hit's own place, in the order in which the server has it: it never takes more room.</summary>
    /// <returns>Where the document stands now, and in it the content of <c>_id</c>.</returns>
    public static (Range Document, Range Id) Compact(byte[] array, Range hit)
    {
        var scanner = new HitScanner(array, hit.End.Value);
        scanner.MoveTo(hit.Start.Value);
        scanner.Enter((byte)'{');
        var to = Put(array, hit.Start.Value, "{"u8);
        var (first, id) = (true, default(Range));
        while (scanner.NextMember(out var name))
        {
            var kept = Kept(name);
            var isId = kept.SequenceEqual("\"_id\":"u8);
            var value = scanner.SkipValue();
            if (kept.IsEmpty) continue;
            if (!first) to = Put(array, to, ","u8);
            first = false;
            to = Put(array, to, kept);
            var length = value.End.Value - value.Start.Value;
            array.AsSpan(value).CopyTo(array.AsSpan(to));
            if (isId) id = (to + 1)..(to + length - 1);
            to += length;
        }

        return (hit.Start.Value..Put(array, to, "}"u8), id);
    }

    private static ReadOnlySpan<byte> Kept(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("_index"u8) ? "\"_index\":"u8
        : name.SequenceEqual("_id"u8) ? "\"_id\":"u8
        : name.SequenceEqual("_routing"u8) ? "\"_routing\":"u8
        : name.SequenceEqual("_source"u8) ? "\"_source\":"u8
        : default;

    private static int Put(byte[] array, int at, ReadOnlySpan<byte> text)
    {
        text.CopyTo(array.AsSpan(at));
        return at + text.Length;
    }
}
