using System.Collections.Immutable;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// The fields that documents are known to have: what a column of such a field holds is for the documents to say, null where one has lost it.
/// A column of no such field belongs to somebody else, or to the server's default. They become more; safe for many threads.
/// </summary>
internal sealed class KnownFields
{
    /// <summary>The comment by which a column is known that was made for a field.</summary>
    public const string Comment = "a field of the documents (espipe)";

    private ImmutableHashSet<string> _names = [];

    /// <summary>Their names; the same object for as long as there are no more.</summary>
    public ImmutableHashSet<string> Names => Volatile.Read(ref _names);

    /// <summary>Takes note of more of them.</summary>
    public void Add(IEnumerable<string> names)
    {
        var more = names.ToArray();
        ImmutableInterlocked.Update(ref _names, (known, added) => known.Union(added), more);
    }
}
