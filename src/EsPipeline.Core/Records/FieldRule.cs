using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <summary>
/// What is to become of one field, and of those below it. A field below another may be a member of the object that the other holds, or a
/// member whose name has dots: <c>{"a":{"b":1}}</c> and <c>{"a.b":1}</c> are two spellings of the field <c>a.b</c>.
/// </summary>
internal sealed class FieldRule
{
    private readonly Dictionary<byte[], FieldRule> _below = new(KeyComparer.Instance);
    private string? _newName;
    private byte[]? _quotedNewName;

    /// <summary>True where there are rules for fields below this one.</summary>
    public bool HasBelow => _below.Count > 0;

    /// <summary>True where only the fields below that were named are kept.</summary>
    public bool KeepsOnly { get; private set; }

    /// <summary>True where a field below this one gets another name.</summary>
    public bool Renames { get; private set; }

    /// <summary>True where the field is left out.</summary>
    public bool Excluded { get; set; }

    private bool Kept { get; set; }

    /// <summary>The rule for a field below this one, made where it is missing.</summary>
    /// <exception cref="FormatException">The path has an empty part.</exception>
    public FieldRule At(string path, bool keeping = false, bool renaming = false)
    {
        var rule = this;
        foreach (var part in path.Split('.'))
        {
            if (part.Length == 0) throw new FormatException($"'{path}' is not a field's path.");
            rule.KeepsOnly |= keeping;
            rule.Renames |= renaming;
            var name = Encoding.UTF8.GetBytes(part);
            if (!rule._below.TryGetValue(name, out var below)) rule._below[name] = below = new FieldRule();
            below.Kept |= keeping;
            rule = below;
        }

        return rule;
    }

    /// <summary>Gives the field another name.</summary>
    /// <returns>False where it has got one already.</returns>
    public bool TryRename(string name)
    {
        if (_newName is not null) return false;
        (_newName, _quotedNewName) = (name, Quoted(name));
        return true;
    }

    /// <summary>What becomes of the member that the reader stands on, in an object that this rule is for.</summary>
    /// <param name="property">Stands on the member's name.</param>
    /// <param name="rule">The rule for its value; null where there is none.</param>
    /// <param name="newName">Its new name, in quotes; null where it keeps its own.</param>
    /// <returns>False where it is left out.</returns>
    public bool Keeps(ref Utf8JsonReader property, out FieldRule? rule, out byte[]? newName)
    {
        (rule, newName) = (null, null);
        if (!HasBelow) return true;
        if (!property.ValueIsEscaped) return Keeps(property.ValueSpan, out rule, out newName);
        return DocumentJson.TextOf(ref property) is { } name ? Keeps(Encoding.UTF8.GetBytes(name), out rule, out newName) : !KeepsOnly;
    }

    /// <summary>A text as JSON.</summary>
    public static byte[] Quoted(string text) =>
        [(byte)'"', .. JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];

    private bool Keeps(ReadOnlySpan<byte> name, out FieldRule? rule, out byte[]? newName)
    {
        newName = null;
        var above = this;
        var rest = name;
        var renamed = false;
        while (true)
        {
            var dot = rest.IndexOf((byte)'.');
            rule = above.Find(dot < 0 ? rest : rest[..dot]);
            if (rule is null ? above.KeepsOnly : rule.Excluded || (above.KeepsOnly && !rule.Kept)) return false;
            renamed |= rule?._newName is not null;
            if (rule is null || dot < 0) break;
            above = rule;
            rest = rest[(dot + 1)..];
        }

        if (renamed) newName = ReferenceEquals(above, this) ? rule!._quotedNewName : Renamed(name);
        return true;
    }

    // Each part of a name with dots is a field that may have got another name.
    private byte[] Renamed(ReadOnlySpan<byte> name)
    {
        var parts = Encoding.UTF8.GetString(name).Split('.');
        var rule = this;
        for (var i = 0; i < parts.Length && rule is not null; i++)
        {
            rule = rule.Find(Encoding.UTF8.GetBytes(parts[i]));
            parts[i] = rule?._newName ?? parts[i];
        }

        return Quoted(string.Join('.', parts));
    }

    private FieldRule? Find(ReadOnlySpan<byte> name) => _below.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var rule) ? rule : null;
}
