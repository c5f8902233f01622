using System.Text;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <summary>The names that the members of one object were written under, to tell whether a new name is one that another member has.</summary>
internal sealed class MemberNames
{
    private readonly List<(int Start, int Length)> _plain = [];
    private readonly List<string> _escaped = [];
    private readonly List<string> _new = [];

    /// <summary>Notes a member.</summary>
    /// <param name="start">Where its own name begins in the document, with the quotes.</param>
    /// <param name="name">Its own name, with the quotes.</param>
    /// <param name="newName">Its new name, with the quotes; null where it has none.</param>
    public void Add(int start, ReadOnlySpan<byte> name, byte[]? newName)
    {
        if (newName is not null) _new.Add(TextOf(newName));
        else if (name.Contains((byte)'\\')) _escaped.Add(TextOf(name));
        else _plain.Add((start + 1, name.Length - 2));
    }

    /// <summary>A new name that another member has as well; null where there is none.</summary>
    public string? Taken(ReadOnlySpan<byte> document)
    {
        for (var i = 0; i < _new.Count; i++)
        {
            var name = Encoding.UTF8.GetBytes(_new[i]);
            var taken = _escaped.Contains(_new[i]) || _new.IndexOf(_new[i]) < i;
            foreach (var (start, length) in _plain) taken |= document.Slice(start, length).SequenceEqual(name);
            if (taken) return _new[i];
        }

        return null;
    }

    // Half a surrogate pair is no text, and no new name is empty.
    private static string TextOf(ReadOnlySpan<byte> name)
    {
        var reader = new Utf8JsonReader(name);
        reader.Read();
        return DocumentJson.TextOf(ref reader) ?? "";
    }
}
