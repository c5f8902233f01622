using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Search;

/// <summary>Which fields of documents come back: all, or those named, without those excluded; <c>*</c> stands for any characters.</summary>
internal sealed record FieldSelection
{
    private const int Most = 200;
    private const int MostCharacters = 256;
    private const int MostStars = 3;

    /// <param name="fields">Fields that come back; empty for all. <c>_id</c> adds the document's key.</param>
    /// <param name="excluded">Fields that do not.</param>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadRequest"/>.</exception>
    public FieldSelection(IReadOnlyList<string> fields, IReadOnlyList<string> excluded)
    {
        (Fields, Excluded) = (fields, excluded);
        if (fields.Count + excluded.Count > Most) throw ApiErrors.BadRequest.Error($"More than {Most} fields are named.");
        foreach (var name in fields.Concat(excluded))
        {
            if (name.Length is 0 or > MostCharacters) throw ApiErrors.BadRequest.Error($"The name of a field has 1 to {MostCharacters} characters.");
            if (name.Count(c => c == '*') > MostStars) throw ApiErrors.BadRequest.Error($"'{SearchRequest.Shown(name)}' holds more than {MostStars} stars.");
        }
    }

    /// <summary>Fields that come back; empty for all.</summary>
    public IReadOnlyList<string> Fields { get; }

    /// <summary>Fields that do not.</summary>
    public IReadOnlyList<string> Excluded { get; }

    /// <summary>True where each document comes with its key as <c>_id</c>.</summary>
    public bool WithId => Fields.Contains("_id");

    /// <summary>True where nothing but the key of each document is asked for.</summary>
    public bool IsIdAlone => Fields.Count > 0 && Fields.All(f => f == "_id");

    /// <summary>
    /// Writes it as the server takes it. <see cref="DocumentFilter"/> takes out what the rules hide; but a hidden field that is named is not
    /// asked for at all, since the empty object that it was in would tell that it is there.
    /// </summary>
    public void Write(Utf8JsonWriter writer, FieldRules rules)
    {
        if (Fields.Count == 0 && Excluded.Count == 0) return;
        if (IsIdAlone)
        {
            writer.WriteBoolean("_source", false);
            return;
        }

        string[] named = [.. Fields.Where(f => f != "_id" && (f.Contains('*', StringComparison.Ordinal) || rules.MayShowBelow(f)))];
        writer.WriteStartObject("_source");
        Write(writer, "includes", named);
        Write(writer, "excludes", Fields.Count == 0 || named.Contains("*") ? Excluded : named.Length == 0 ? ["*"] : Excluded.Concat(rules.Denied));
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, IEnumerable<string> fields)
    {
        writer.WriteStartArray(name);
        foreach (var field in fields) writer.WriteStringValue(field);
        writer.WriteEndArray();
    }
}
