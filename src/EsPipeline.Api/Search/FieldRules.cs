using System.IO.Enumeration;

namespace EsPipeline.Api.Search;

/// <summary>
/// Which fields exist for callers. A rule names a field and all below it, <c>*</c> stands for any characters, dots too. A field that a rule
/// hides is nowhere different from one that is not there.
/// </summary>
internal sealed class FieldRules
{
    private readonly string[] _allowed;
    private readonly string[] _denied;

    /// <param name="options">The rules.</param>
    public FieldRules(ApiOptions options)
        : this([.. options.AllowFields], [.. options.DenyFields])
    {
    }

    private FieldRules(string[] allowed, string[] denied) => (_allowed, _denied) = (allowed, denied);

    /// <summary>The rules for what does not exist, as they were given.</summary>
    public IReadOnlyList<string> Denied => _denied;

    /// <summary>True where every field exists.</summary>
    public bool IsEmpty => _allowed.Length == 0 && _denied.Length == 0;

    /// <summary>These rules, and some fields more that they hide.</summary>
    public FieldRules Denying(IReadOnlyList<string> fields) => fields.Count == 0 ? this : new(_allowed, [.. _denied, .. fields]);

    /// <summary>True where a field, or one of the objects that it is in, is hidden by name.</summary>
    public bool Denies(string path) => _denied.Length > 0 && Ancestry(path).Any(p => _denied.Any(d => Matches(d, p, ignoreCase: true)));

    /// <summary>True where the field exists for callers.</summary>
    public bool Shows(string path) => !Denies(path) && (_allowed.Length == 0 || Ancestry(path).Any(p => _allowed.Any(a => Matches(a, p, ignoreCase: false))));

    /// <summary>True where something below this field may be hidden, so that the field can't be used as a whole.</summary>
    public bool MayHideBelow(string path) => !Shows(path) || _denied.Any(d => MayMatchBelow(d, path, StringComparison.OrdinalIgnoreCase));

    /// <summary>True where the field or something below it may exist for callers.</summary>
    public bool MayShowBelow(string path) => !Denies(path) && (Shows(path) || _allowed.Any(a => MayMatchBelow(a, path, StringComparison.Ordinal)));

    private static bool MayMatchBelow(string rule, string path, StringComparison comparison)
    {
        var star = rule.IndexOf('*', StringComparison.Ordinal);
        if (star < 0) return rule.StartsWith(path + ".", comparison);
        var literal = rule[..star];
        return (path + ".").StartsWith(literal, comparison) || literal.StartsWith(path + ".", comparison);
    }

    // "a.b.c" is hidden by a rule for "a", "a.b" or itself.
    private static IEnumerable<string> Ancestry(string path)
    {
        for (var dot = path.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = path.IndexOf('.', dot + 1)) yield return path[..dot];
        yield return path;
    }

    private static bool Matches(string rule, string path, bool ignoreCase) =>
        FileSystemName.MatchesSimpleExpression(rule.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("?", "\\?", StringComparison.Ordinal), path, ignoreCase);
}
