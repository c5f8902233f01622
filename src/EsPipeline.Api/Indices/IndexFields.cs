using System.Text.Json;
using EsPipeline.Api.Search;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Indices;

/// <summary>
/// The fields of an index that exist for callers: those of its mapping that no rule hides, neither by name, nor because they are another
/// name (alias) or a copy (copy_to) of a hidden one, or stand behind a computed field of the same name, which may show any other. Computed
/// fields themselves are not among them.
/// </summary>
internal sealed class IndexFields
{
    private readonly Dictionary<string, IndexField> _fields = [];
    private readonly FieldRules _rules;

    private IndexFields(FieldRules rules) => _rules = rules;

    /// <summary>The fields, sorted by name.</summary>
    public IEnumerable<IndexField> All => _fields.Values.OrderBy(f => f.Name, StringComparer.Ordinal);

    /// <summary>Reads the answer to <c>GET /INDEX/_mapping</c>.</summary>
    public static IndexFields Of(JsonElement mappings, FieldRules rules)
    {
        var fields = new IndexFields(rules);
        var aliases = new List<(string Alias, string Target)>();
        var copies = new List<(string From, string To)>();
        var computed = new List<string>();
        foreach (var index in mappings.EnumerateObject())
        {
            if (!index.Value.TryGetProperty("mappings", out var root)) continue;
            fields.Collect(root, "", null, aliases, copies);
            if (root.TryGetProperty("runtime", out var runtime)) computed.AddRange(runtime.EnumerateObject().Select(f => f.Name));
        }

        foreach (var (alias, target) in aliases)
        {
            if (fields._fields.TryGetValue(target, out var field)) fields.Add(field with { Name = alias });
        }

        fields.Hide(aliases, copies, computed);
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

    // A flattened field has no mapping for what is in it.
    private IndexField? Known(string name) =>
        _fields.TryGetValue(name, out var field) ? field
        : !_rules.Shows(name) ? null
        : name == "_id" ? new IndexField("_id", "_id", null, null)
        : Ancestors(name).Any(a => _fields.GetValueOrDefault(a) is { IsFlattened: true }) ? new IndexField(name, "keyword", null, null)
        : null;

    private void Collect(JsonElement mapping, string prefix, string? nested, List<(string Alias, string Target)> aliases, List<(string From, string To)> copies)
    {
        if (!mapping.TryGetProperty("properties", out var properties)) return;
        foreach (var property in properties.EnumerateObject())
        {
            var path = prefix + property.Name;
            var type = property.Value.TryGetProperty("type", out var text) ? text.GetString()! : "object";
            if (type == "alias")
            {
                aliases.Add((path, property.Value.GetProperty("path").GetString()!));
                continue;
            }

            if (property.Value.TryGetProperty("copy_to", out var to))
            {
                copies.AddRange(to.ValueKind == JsonValueKind.Array ? to.EnumerateArray().Select(t => (path, t.GetString()!)) : [(path, to.GetString()!)]);
            }

            Add(new IndexField(path, type, nested, ExactFieldOf(path, property.Value)));
            CollectSubFields(path, property.Value, nested);
            Collect(property.Value, path + ".", type == "nested" ? path : nested, aliases, copies);
        }
    }

    private void CollectSubFields(string path, JsonElement mapping, string? nested)
    {
        if (!mapping.TryGetProperty("fields", out var fields)) return;
        foreach (var field in fields.EnumerateObject())
        {
            if (field.Value.TryGetProperty("type", out var type)) Add(new IndexField($"{path}.{field.Name}", type.GetString()!, nested, null));
        }
    }

    // A sub-field that changes values (a normalizer) would find others than the one that was asked for.
    private static string? ExactFieldOf(string path, JsonElement mapping) =>
        !mapping.TryGetProperty("fields", out var fields) ? null
        : fields.EnumerateObject().FirstOrDefault(f => f.Value.TryGetProperty("type", out var type) && type.GetString() is "keyword" or "wildcard" && !f.Value.TryGetProperty("normalizer", out _)) is { Value.ValueKind: not JsonValueKind.Undefined } exact
            ? $"{path}.{exact.Name}"
            : null;

    private void Add(IndexField field)
    {
        if (!_fields.TryGetValue(field.Name, out var known)) _fields[field.Name] = field;
        else if (known.Type != field.Type) _fields[field.Name] = known with { Type = $"{known.Type}|{field.Type}", Exact = null };
        else if (known.Exact != field.Exact) _fields[field.Name] = known with { Exact = null };
    }

    private void Hide(List<(string Alias, string Target)> aliases, List<(string From, string To)> copies, List<string> computed)
    {
        if (_rules.IsEmpty) return;

        // What holds the values of a hidden field is hidden too, and so is what holds that one's.
        var hidden = copies.Where(c => !_rules.Shows(c.From)).Select(c => c.To).ToHashSet();
        hidden.UnionWith(computed);
        hidden.UnionWith([.. aliases.Where(a => !ShowsWhole(a.Target) || hidden.Contains(a.Target) || Ancestors(a.Target).Any(hidden.Contains)).Select(a => a.Alias)]);
        foreach (var field in _fields.Values.ToArray())
        {
            var shown = field.IsObject || field.IsFlattened ? _rules.MayShowBelow(field.Name) : _rules.Shows(field.Name);
            if (!shown || hidden.Contains(field.Name) || Ancestors(field.Name).Any(hidden.Contains)) _fields.Remove(field.Name);
            else if (field.Exact is { } exact && !_rules.Shows(exact)) _fields[field.Name] = field with { Exact = null };
        }
    }

    // By another name, what is in a flattened field would have another path than the one that a rule hides.
    private bool ShowsWhole(string name) => _rules.Shows(name) && !(_fields.GetValueOrDefault(name) is { IsFlattened: true } && _rules.MayHideBelow(name));

    private static IEnumerable<string> Ancestors(string path)
    {
        for (var dot = path.LastIndexOf('.'); dot > 0; dot = path.LastIndexOf('.', dot - 1)) yield return path[..dot];
    }

    private static string Shown(string name) => string.Concat(name.Take(80).Select(c => char.IsControl(c) ? '?' : c));
}
