using System.Text.Json;
using EsPipeline.Api.Indices;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Search;

/// <summary>One field to sort by.</summary>
/// <param name="Field">Its name.</param>
/// <param name="Descending">True where the greatest value comes first.</param>
internal sealed record SortOrder(string Field, bool Descending)
{
    private const int Most = 10;

    /// <summary>Reads <c>field</c>, <c>field:asc</c>, <c>field:desc</c> or <c>-field</c>.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadRequest"/>.</exception>
    public static SortOrder Parse(string text)
    {
        var descending = text.StartsWith('-');
        var name = descending ? text[1..] : text;
        var colon = name.LastIndexOf(':');
        if (colon >= 0)
        {
            descending = name[(colon + 1)..].ToLowerInvariant() switch
            {
                "desc" => true,
                "asc" => false,
                _ => throw ApiErrors.BadRequest.Error($"'{SearchRequest.Shown(text)}' is no order; write field, field:asc or field:desc."),
            };
            name = name[..colon];
        }

        return name.Length > 0 ? new SortOrder(name, descending) : throw ApiErrors.BadRequest.Error("The name of a field to sort by is empty.");
    }

    /// <summary>Reads a list with commas.</summary>
    public static IReadOnlyList<SortOrder> ParseList(string text) => Limit([.. text.Split(',', StringSplitOptions.TrimEntries).Select(Parse)]);

    /// <summary>No more than the server should have to compare.</summary>
    public static IReadOnlyList<SortOrder> Limit(IReadOnlyList<SortOrder> orders) =>
        orders.Count <= Most ? orders : throw ApiErrors.BadRequest.Error($"Documents are sorted by at most {Most} fields.");

    /// <summary>Writes it as the server takes it.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.NoSuchField"/>.</exception>
    public void Write(Utf8JsonWriter writer, IndexFields fields)
    {
        var field = fields.Find(Field);
        var by = field.Exact ?? field.Name;
        var type = field.Exact is null ? field.Type : "keyword";
        if (field.Exact is null && !field.IsSortable)
        {
            throw ApiErrors.NoSuchField.Error(field.IsText
                ? $"'{Field}' is text without a sub-field for whole values, so documents can't be sorted by it."
                : $"'{Field}' is of the type {field.Type.TrimStart('_')}, which documents can't be sorted by.");
        }

        writer.WriteStartObject();
        writer.WriteStartObject(by);
        writer.WriteString("order", Descending ? "desc" : "asc");
        writer.WriteString("missing", "_last");
        writer.WriteString("unmapped_type", type);
        if (field.Nested is not null)
        {
            writer.WriteStartObject("nested");
            writer.WriteString("path", field.Nested);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
