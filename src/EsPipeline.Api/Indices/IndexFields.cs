using System.Text.Json;
using EsPipeline.Api.Search;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Indices;

/// <summary>
/// The fields of an index that exist for callers: those of its mapping that no rule hides, neither by name, nor because they are another
/// name (alias) or a copy (copy_to) of a hidden one, or are computed, or stand behind a computed field of the same name: a script may show any
/// other field. Fields that are computed anew by every search are not among them, rules or no rules.
/// </summary>
internal sealed class IndexFields
{
    private readonly Dictionary<string, IndexField> _fields = [];
    private readonly HashSet<string> _hidden = [];
    private readonly HashSet<string> _nested = [];
    private readonly FieldRules _rules;

    private IndexFields(FieldRules rules) => (_rules, DocumentRules) = (rules, rules);

    /// <summary>What of a document exists for callers: the rules, and what holds copies of hidden values, since some servers write those into the document.</summary>
    public FieldRules DocumentRules { get; private set; }

    /// <summary>The fields, sorted by name.</summary>
    public IEnumerable<IndexField> All => _fields.Values.OrderBy(f => f.Name, StringComparer.Ordinal);

    /// <summary>Reads the answer to <c>GET /INDEX/_mapping</c>.</summary>
    public static IndexFields Of(JsonElement mappings, FieldRules rules)
    {
        var fields = new IndexFields(rules);
        var others = new OtherNames([], [], []);
        foreach (var index in mappings.EnumerateObject())
        {
            if (!index.Value.TryGetProperty("mappings", out var root)) continue;
            fields.Collect(root, "", null, others);

            // The first is Elasticsearch's word for it, the second OpenSearch's.
            foreach (var kind in (string[])["runtime", "derived"])
            {
                if (root.TryGetProperty(kind, out var computed)) others.Computed.AddRange(computed.EnumerateObject().Select(f => f.Name));
            }
        }

        foreach (var (alias, target) in others.Aliases)
        {
            if (fields._fields.TryGetValue(target, out var field)) fields.Add(field with { Name = alias, Target = target });
        }

        fields.Hide(others);
        return fields;
    }

    /// <summary>The field of a name.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.NoSuchField"/>: it is not there, or not for callers, or an object.</exception>
    public IndexField Find(string name)
    {
        // A name with a star is a pattern to the server in some queries, for fields of any name.
        if ((name.Contains('*', StringComparison.Ordinal) ? null : Known(name)) is not { } field)
        {
            var near = NearestName.Of(name, _fields.Keys);
            throw ApiErrors.NoSuchField.Error($"There is no field '{Shown(name)}'{(near is null ? "" : $"; is '{near}' meant?")}");
        }

        if (field.IsObject) throw ApiErrors.NoSuchField.Error($"'{name}' is an object; name a field in it, such as '{_fields.Keys.FirstOrDefault(k => k.StartsWith(name + ".", StringComparison.Ordinal)) ?? name + ".…"}'.");
        if (field.IsFlattened && _rules.MayHideBelow(name)) throw ApiErrors.NoSuchField.Error($"'{name}' can't be searched as a whole; name a field in it.");
        return field;
    }

    /// <summary>The nested objects that a field is in, from the outermost on.</summary>
    public IReadOnlyList<string> NestedPathsOf(IndexField field) => field.Nested is { } path ? [.. Ancestors(path).Where(_nested.Contains).Reverse(), path] : [];

    // A flattened field has no mapping for what is in it.
    private IndexField? Known(string name) =>
        _fields.TryGetValue(name, out var field) ? field
        : !_rules.Shows(name) || IsHidden(name) ? null
        : name == "_id" ? new IndexField("_id", "_id", null, null)
        : Ancestors(name).Select(a => _fields.GetValueOrDefault(a)).FirstOrDefault(f => f is { IsFlattened: true }) is { } whole && !IsInner(name.AsSpan(whole.Name.Length + 1)) ? new IndexField(name, "keyword", null, null, whole.Longest, whole.IsKept, InFlattened: true)
        : null;

    // OpenSearch before 2.19 keeps a flattened field as two of its own, _value and _valueAndPath, with the paths before the values ("a.b=1"); by
    // these names, or a path that goes on into a value, the values of every key would be reached, of hidden ones too.
    private static bool IsInner(ReadOnlySpan<char> key) => key.StartsWith("_value", StringComparison.Ordinal) || key.Contains('=') || key.ContainsAnyInRange('\0', '\x1f');

    private void Collect(JsonElement mapping, string prefix, string? nested, OtherNames others)
    {
        if (!mapping.TryGetProperty("properties", out var properties)) return;
        foreach (var property in properties.EnumerateObject())
        {
            var path = prefix + property.Name;
            var type = property.Value.TryGetProperty("type", out var text) ? text.GetString()! : "object";
            if (type == "alias")
            {
                others.Aliases.Add((path, property.Value.GetProperty("path").GetString()!));
                continue;
            }

            if (property.Value.TryGetProperty("script", out _)) others.Computed.Add(path);
            if (property.Value.TryGetProperty("copy_to", out var to))
            {
                others.Copies.AddRange(to.ValueKind == JsonValueKind.Array ? to.EnumerateArray().Select(t => (path, t.GetString()!)) : [(path, to.GetString()!)]);
            }

            if (type == "nested") _nested.Add(path);
            var (exact, longest) = ExactFieldOf(path, type, property.Value);
            Add(new IndexField(path, type, nested, exact, longest ?? LongestOf(property.Value), IsKept(type, property.Value)));
            CollectSubFields(path, property.Value, nested);
            Collect(property.Value, path + ".", type == "nested" ? path : nested, others);
        }
    }

    private void CollectSubFields(string path, JsonElement mapping, string? nested)
    {
        if (!mapping.TryGetProperty("fields", out var fields)) return;
        foreach (var field in fields.EnumerateObject())
        {
            if (field.Value.TryGetProperty("type", out var type)) Add(new IndexField($"{path}.{field.Name}", type.GetString()!, nested, null, LongestOf(field.Value), IsKept(type.GetString()!, field.Value)));
        }
    }

    // Only where the field itself changes values: by a number's sub-field of text, 10 would come before 9. A sub-field that does so as well (a
    // normalizer) would find others than the one that was asked for. Of several the one that takes the longest values.
    private static (string? Exact, int? Longest) ExactFieldOf(string path, string type, JsonElement mapping)
    {
        if (!mapping.TryGetProperty("fields", out var fields) || !(IndexField.IsTextType(type) || IsChanged(mapping))) return (null, null);
        var (name, longest) = fields.EnumerateObject()
            .Where(f => f.Value.TryGetProperty("type", out var kind) && kind.GetString() is "keyword" or "wildcard" && !IsChanged(f.Value))
            .Select(f => (f.Name, Longest: LongestOf(f.Value)))
            .OrderByDescending(f => f.Longest ?? int.MaxValue)
            .FirstOrDefault();
        return name is null ? (null, null) : ($"{path}.{name}", longest);
    }

    private static bool IsChanged(JsonElement mapping) => mapping.TryGetProperty("normalizer", out _);

    private static int? LongestOf(JsonElement mapping) => mapping.TryGetProperty("ignore_above", out var most) && most.TryGetInt32(out var longest) ? longest : null;

    // Text and binary have no columns unless they are asked for.
    private static bool IsKept(string type, JsonElement mapping) =>
        (Flag(mapping, "index") ?? type != "binary") || (Flag(mapping, "doc_values") ?? !(type == "binary" || IndexField.IsTextType(type)));

    private static bool? Flag(JsonElement mapping, string name) => mapping.TryGetProperty(name, out var flag) ? flag.ToString().Equals("true", StringComparison.OrdinalIgnoreCase) : null;

    private void Add(IndexField field)
    {
        if (!_fields.TryGetValue(field.Name, out var known))
        {
            _fields[field.Name] = field;
            return;
        }

        var isSame = known.Type == field.Type;
        _fields[field.Name] = known with
        {
            Type = isSame ? known.Type : $"{known.Type}|{field.Type}",
            Exact = isSame && known.Exact == field.Exact ? known.Exact : null,
            IsKept = known.IsKept && field.IsKept,
            Longest = known.Longest is null || field.Longest < known.Longest ? field.Longest : known.Longest,
        };
    }

    private void Hide(OtherNames others)
    {
        if (_rules.IsEmpty) return;

        // What holds the values of a hidden field is hidden too, and so is what holds that one's.
        string[] copied = [.. others.Copies.Where(c => !ShowsWhole(c.From) || others.Computed.Contains(c.From)).Select(c => c.To)];
        _hidden.UnionWith(copied);
        _hidden.UnionWith(others.Computed);
        _hidden.UnionWith([.. others.Aliases.Where(a => !ShowsWhole(a.Target) || IsHidden(a.Target)).Select(a => a.Alias)]);
        foreach (var field in _fields.Values.ToArray())
        {
            var shown = field.IsObject || field.IsFlattened ? _rules.MayShowBelow(field.Name) : _rules.Shows(field.Name);
            if (!shown || IsHidden(field.Name)) _fields.Remove(field.Name);
            else if (field.Exact is { } exact && (!_rules.Shows(exact) || IsHidden(exact))) _fields[field.Name] = field with { Exact = null, Longest = null };
        }

        DocumentRules = _rules.Denying(copied);
    }

    private bool IsHidden(string name) => _hidden.Contains(name) || Ancestors(name).Any(_hidden.Contains);

    // By another name, what is in a flattened field would have another path than the one that a rule hides.
    private bool ShowsWhole(string name) => _rules.Shows(name) && !(_fields.GetValueOrDefault(name) is { IsFlattened: true } && _rules.MayHideBelow(name));

    private static IEnumerable<string> Ancestors(string path)
    {
        for (var dot = path.LastIndexOf('.'); dot > 0; dot = path.LastIndexOf('.', dot - 1)) yield return path[..dot];
    }

    private static string Shown(string name) => string.Concat(name.Take(80).Select(c => char.IsControl(c) ? '?' : c));

    // Aliases with what they stand for, fields with what they are copied to, and fields that are computed.
    private sealed record OtherNames(List<(string Alias, string Target)> Aliases, List<(string From, string To)> Copies, List<string> Computed);
}
