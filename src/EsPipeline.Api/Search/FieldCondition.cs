using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using EsPipeline.Api.Indices;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Search;

/// <summary>What a caller wants of one field: a value, one of several, a range, or none at all. Checked against the field, and written as a query.</summary>
internal static partial class FieldCondition
{
    private const int MostValues = 1000;
    private const int MostText = 8192;

    // In a time such as now-1d/d.
    private const int MostSteps = 8;

    private static readonly string[] Bounds = ["gte", "gt", "lte", "lt"];

    /// <summary>Writes the condition as one clause; where the field is in a nested object, for the inside of that.</summary>
    /// <param name="writer">Where to; a value is expected there.</param>
    /// <param name="field">The field.</param>
    /// <param name="wanted">What was asked for.</param>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadValue"/>, <see cref="ApiErrors.BadRequest"/>.</exception>
    public static void Write(Utf8JsonWriter writer, IndexField field, JsonElement wanted)
    {
        writer.WriteStartObject();
        WriteClause(writer, field, wanted);
        writer.WriteEndObject();
    }

    private static void WriteClause(Utf8JsonWriter writer, IndexField field, JsonElement wanted)
    {
        switch (wanted.ValueKind)
        {
            case JsonValueKind.Object:
                WriteRange(writer, field, wanted);
                break;
            case JsonValueKind.Array:
                WriteAny(writer, field, wanted);
                break;
            default:
                Check(field, wanted);
                WriteOne(writer, field, wanted);
                break;
        }
    }

    private static void WriteOne(Utf8JsonWriter writer, IndexField field, JsonElement value)
    {
        if (field.Name == "_id")
        {
            writer.WriteStartObject("ids");
            writer.WriteStartArray("values");
            writer.WriteStringValue(value.ToString());
            writer.WriteEndArray();
            writer.WriteEndObject();
            return;
        }

        // Words in their order is the nearest that a text without a sub-field for whole values has to "exactly this".
        writer.WriteStartObject(field is { IsText: true, Exact: null } ? "match_phrase" : "term");
        writer.WritePropertyName(field.Exact ?? field.Name);
        value.WriteTo(writer);
        writer.WriteEndObject();
    }

    private static void WriteAny(Utf8JsonWriter writer, IndexField field, JsonElement values)
    {
        if (values.GetArrayLength() is 0 or > MostValues) throw ApiErrors.BadRequest.Error($"The list for '{field.Name}' has to hold 1 to {MostValues} values.");
        foreach (var value in values.EnumerateArray()) Check(field, value);
        if (field.Name == "_id" || field is { IsText: true, Exact: null })
        {
            writer.WriteStartObject("bool");
            writer.WriteStartArray("should");
            foreach (var value in values.EnumerateArray())
            {
                writer.WriteStartObject();
                WriteOne(writer, field, value);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            return;
        }

        writer.WriteStartObject("terms");
        writer.WritePropertyName(field.Exact ?? field.Name);
        values.WriteTo(writer);
        writer.WriteEndObject();
    }

    private static void WriteRange(Utf8JsonWriter writer, IndexField field, JsonElement range)
    {
        var bounds = range.EnumerateObject().ToArray();
        if (bounds.Length == 0) throw ApiErrors.BadRequest.Error($"The range for '{field.Name}' is empty; give gte, gt, lte or lt.");
        if (bounds.FirstOrDefault(b => !Bounds.Contains(b.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } stranger)
        {
            throw ApiErrors.BadRequest.Error($"The range for '{field.Name}' holds '{SearchRequest.Shown(stranger.Name)}'; a range has gte, gt, lte and lt only.");
        }

        if (field.Name == "_id" || field.IsBoolean || field is { IsText: true, Exact: null })
        {
            throw ApiErrors.BadValue.Error($"'{field.Name}' is of the type {field.Type.TrimStart('_')}, which has no order; give a value or a list.");
        }

        writer.WriteStartObject("range");
        writer.WriteStartObject(field.Exact ?? field.Name);
        foreach (var bound in bounds)
        {
            Check(field, bound.Value);

            // The server would take the number for its digits, and find 9 beyond 10.
            if (bound.Value.ValueKind != JsonValueKind.String && field.IsComparedAsText)
            {
                throw ApiErrors.BadValue.Error($"'{field.Name}' is of the type {field.Type}, which is ordered as text, so that 10 comes before 9: {bound.Value} is no bound for it; give a text such as \"{bound.Value}\" where that order is meant.");
            }

            bound.WriteTo(writer);
        }

        // The values of all names in a flattened field are in one order, name by name: Elasticsearch asks for both ends, and OpenSearch would go on
        // into other names. U+10FFFF is the last of all characters.
        if (field.InFlattened && !bounds.Any(b => b.Name[0] == 'g')) writer.WriteString("gte", "");
        if (field.InFlattened && !bounds.Any(b => b.Name[0] == 'l')) writer.WriteString("lte", "\U0010FFFF");
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void Check(IndexField field, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False))
        {
            throw ApiErrors.BadValue.Error($"'{field.Name}' is compared with texts, numbers, true or false, not with {Kind(value)}.");
        }

        var text = value.ToString();
        if (text.Length > MostText) throw ApiErrors.BadValue.Error($"A value for '{field.Name}' is longer than {MostText} characters.");

        // The server keeps such a value in the document, but not in the index: it would be found nowhere, in silence.
        if (text.Length > field.Longest && !(field is { IsText: true, Exact: null })) throw ApiErrors.BadValue.Error(field.TooLong(text.Length));
        if (field.IsNumber && (value.ValueKind is JsonValueKind.True or JsonValueKind.False || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
        {
            throw ApiErrors.BadValue.Error($"'{field.Name}' is of the type {field.Type}, and '{SearchRequest.Shown(text)}' is not a number.");
        }

        // Beyond a thousand million years the server itself fails at now+…y, and does not refuse it.
        if (field.IsDate && (FarYears().IsMatch(text) || Steps().Count(text) > MostSteps)) throw ApiErrors.BadValue.Error($"'{SearchRequest.Shown(text)}' is further away than times reach.");
        if (field.IsBoolean && text.ToLowerInvariant() is not ("true" or "false"))
        {
            throw ApiErrors.BadValue.Error($"'{field.Name}' is true or false, not '{SearchRequest.Shown(text)}'.");
        }
    }

    [GeneratedRegex("[+-]0*[0-9]{6,}y", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FarYears();

    [GeneratedRegex("[+/-][0-9]*[yMwdhHms]", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Steps();

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };
}
