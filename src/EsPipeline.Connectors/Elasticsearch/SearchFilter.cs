using System.Text.Json;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// What every search of one read has in common: which documents it is about. Only <see cref="QueryText"/> checks what a person typed; here
/// it is only put in its place (invariant 6).
/// </summary>
internal sealed class SearchFilter
{
    private readonly List<byte[]> _clauses = [];

    /// <summary>True where it lets everything through.</summary>
    public bool IsEmpty => _clauses.Count == 0;

    /// <summary>Only what this query, already checked, finds.</summary>
    public SearchFilter Query(byte[]? json)
    {
        if (json is not null) _clauses.Add(json);
        return this;
    }

    /// <summary>Only documents of this index, where a search may find others too.</summary>
    public SearchFilter In(ConcreteIndex index)
    {
        if (index.IsShared) _clauses.Add(Write(w => Leaf(w, "term", "_index", () => w.WriteStringValue(index.Name))));
        return this;
    }

    /// <summary>Only documents whose time is within these bounds, both of which count.</summary>
    public SearchFilter Between(string field, DateTimeOffset? since, DateTimeOffset? until)
    {
        if (since is null && until is null) return this;
        _clauses.Add(Write(w => Leaf(w, "range", field, () =>
        {
            w.WriteStartObject();
            if (since is { } from) w.WriteString("gte", TimeField.Format(from));
            if (until is { } to) w.WriteString("lte", TimeField.Format(to));
            w.WriteString("format", TimeField.FormatName);
            w.WriteEndObject();
        })));
        return this;
    }

    /// <summary>Writes the clauses into an array that is open.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        foreach (var clause in _clauses) writer.WriteRawValue(clause, skipInputValidation: true);
    }

    private static void Leaf(Utf8JsonWriter writer, string kind, string field, Action value)
    {
        writer.WriteStartObject();
        writer.WriteStartObject(kind);
        writer.WritePropertyName(field);
        value();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> write) => SearchBody.Write(write);
}
