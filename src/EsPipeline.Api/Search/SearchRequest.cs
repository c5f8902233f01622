using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Search;

/// <summary>What a caller asks <c>POST /search</c> for, checked in itself; its fields are checked against the index when the search is written.</summary>
internal sealed record SearchRequest
{
    /// <summary>How far pages reach: the servers' own default for <c>index.max_result_window</c>.</summary>
    public const int Window = 10_000;

    /// <summary>Documents in a page where nothing is said.</summary>
    public const int UsualPageSize = 10;

    private const int MostConditions = 100;

    private static readonly string[] Members = ["index", "query_fields", "fields", "exclude_fields", "sort_by", "size", "page", "page_size"];

    /// <summary>The index.</summary>
    public required string Index { get; init; }

    /// <summary>What is wanted of each field.</summary>
    public required IReadOnlyList<KeyValuePair<string, JsonElement>> Conditions { get; init; }

    /// <summary>Which fields come back, and which do not.</summary>
    public required FieldSelection Selection { get; init; }

    /// <summary>The order.</summary>
    public required IReadOnlyList<SortOrder> Sort { get; init; }

    /// <summary>The page, from 1.</summary>
    public required int Page { get; init; }

    /// <summary>Documents in a page.</summary>
    public required int PageSize { get; init; }

    /// <summary>Reads a body.</summary>
    /// <param name="body">The JSON; conditions go on using it.</param>
    /// <param name="maxPageSize">Documents in one page at most.</param>
    /// <exception cref="PipelineException">Something in it is wrong.</exception>
    public static SearchRequest Read(JsonElement body, int maxPageSize)
    {
        if (body.ValueKind != JsonValueKind.Object) throw ApiErrors.BadJson.Error("The body is not a JSON object.");
        foreach (var member in body.EnumerateObject())
        {
            if (!Members.Contains(member.Name)) throw ApiErrors.BadRequest.Error($"There is no '{Shown(member.Name)}' in a search; there are {string.Join(", ", Members)}.");
        }

        var index = body.TryGetProperty("index", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : throw ApiErrors.BadRequest.Error("'index' is missing, or not a text.");
        var pageSize = PageSizeOf(body, maxPageSize);
        var page = Number(body, "page", int.MaxValue) ?? 1;
        if ((long)page * pageSize > Window)
        {
            throw ApiErrors.BeyondWindow.Error($"Page {page} of {pageSize} documents each ends beyond the first {Window:N0} documents.", $"Read on with GET /search/{Uri.EscapeDataString(index)}/scroll, which has no such end, or narrow the search.");
        }

        return new SearchRequest
        {
            Index = index,
            Conditions = ConditionsOf(body),
            Selection = new FieldSelection(Texts(body, "fields"), Texts(body, "exclude_fields")),
            Sort = SortOf(body),
            Page = page,
            PageSize = pageSize,
        };
    }

    /// <summary>What a caller sent, fit to be repeated to him.</summary>
    public static string Shown(string text) => string.Concat(text.Take(60).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)) + (text.Length > 60 ? "…" : "");

    private static int PageSizeOf(JsonElement body, int most)
    {
        var size = Number(body, "size", most);
        var pageSize = Number(body, "page_size", most);
        if (size is not null && pageSize is not null && size != pageSize) throw ApiErrors.BadRequest.Error("'size' and 'page_size' mean the same and differ; give one of them.");
        return pageSize ?? size ?? Math.Min(UsualPageSize, most);
    }

    private static int? Number(JsonElement body, string name, int most)
    {
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= 1 && number <= most
            ? number
            : throw ApiErrors.BadRequest.Error($"'{name}' has to be a whole number from 1 {(most == int.MaxValue ? "on" : $"to {most}")}.");
    }

    private static KeyValuePair<string, JsonElement>[] ConditionsOf(JsonElement body)
    {
        if (!body.TryGetProperty("query_fields", out var fields) || fields.ValueKind == JsonValueKind.Null) return [];
        if (fields.ValueKind != JsonValueKind.Object) throw ApiErrors.BadRequest.Error("'query_fields' is not an object of fields and what is wanted of them.");
        var conditions = fields.EnumerateObject().Select(f => KeyValuePair.Create(f.Name, f.Value)).ToArray();
        return conditions.Length <= MostConditions ? conditions : throw ApiErrors.BadRequest.Error($"'query_fields' holds more than {MostConditions} fields.");
    }

    private static IReadOnlyList<SortOrder> SortOf(JsonElement body)
    {
        if (!body.TryGetProperty("sort_by", out var sort) || sort.ValueKind == JsonValueKind.Null) return [];
        if (sort.ValueKind == JsonValueKind.String) return SortOrder.ParseList(sort.GetString()!);
        if (sort.ValueKind == JsonValueKind.Object) return SortOrder.Limit([.. sort.EnumerateObject().Select(f => SortOrder.Parse($"{f.Name}:{f.Value}"))]);
        return SortOrder.Limit([.. Texts(body, "sort_by").Select(SortOrder.Parse)]);
    }

    private static IReadOnlyList<string> Texts(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var list) || list.ValueKind == JsonValueKind.Null) return [];
        if (list.ValueKind == JsonValueKind.String) return [list.GetString()!];
        return list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(i => i.ValueKind == JsonValueKind.String)
            ? [.. list.EnumerateArray().Select(i => i.GetString()!)]
            : throw ApiErrors.BadRequest.Error($"'{name}' is not a list of texts.");
    }
}
