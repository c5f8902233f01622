using System.Text.Json;
using EsPipeline.Api.Http;
using EsPipeline.Api.Scroll;
using EsPipeline.Api.Search;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace EsPipeline.Api;

/// <summary>The reference at <c>/openapi.json</c>, which <c>/docs</c> shows to people.</summary>
internal static class ApiReference
{
    /// <summary>The name in the path.</summary>
    public const string DocumentName = "openapi";

    /// <summary>What the framework can't know by itself.</summary>
    public static void Describe(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) => DescribeAll(document));
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<NeedsNoKey>().Any()) operation.Security = [];
            return Task.CompletedTask;
        });

        // What is null is left out of an answer, and may be left out of a request.
        options.AddSchemaTransformer((schema, context, _) =>
        {
            foreach (var property in context.JsonTypeInfo.Properties.Where(p => p.IsGetNullable)) schema.Required?.Remove(property.Name);
            return Task.CompletedTask;
        });
    }

    private static Task DescribeAll(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "espipe",
            Version = typeof(ApiReference).Assembly.GetName().Version?.ToString(3),
            Description = "Searches the documents of an Elasticsearch or OpenSearch cluster, and adds up counts over time. Every error is application/problem+json with a stable code.",
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes["key"] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey,
            In = ParameterLocation.Header,
            Name = AccessGate.Header,
            Description = "One of the keys in ESPIPE_API_KEYS. Where none is configured, this machine alone is served, without a key.",
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("key", document)] = [] }];

        // As GET, without the body: of no interest to a reader.
        foreach (var path in document.Paths.Values) path.Operations?.Remove(HttpMethod.Head);
        return Task.CompletedTask;
    }
}

/// <summary>The body of a search, for the reference; <see cref="SearchRequest"/> reads it.</summary>
/// <param name="Index">The index or alias to search.</param>
/// <param name="QueryFields">For each field a value, a list of values, a range (gte, gt, lte, lt), or null where it must be absent. All have to fit; those on fields of one nested object the same object, null none of them.</param>
/// <param name="Fields">Fields that come back; all where absent. A star stands for any characters, and _id adds the document's key.</param>
/// <param name="ExcludeFields">Fields that do not come back.</param>
/// <param name="SortBy">field, field:desc, a list of them, or an object of fields and asc or desc.</param>
/// <param name="Page">The page, from 1. Pages reach over the first 10,000 documents.</param>
/// <param name="PageSize">Documents in a page; 10 where absent.</param>
/// <param name="Size">The same as page_size.</param>
internal sealed record SearchBodyShape(
    string Index, Dictionary<string, JsonElement>? QueryFields, string[]? Fields, string[]? ExcludeFields, JsonElement? SortBy, int? Page, int? PageSize, int? Size);

/// <summary>The answer to a search, for the reference.</summary>
/// <param name="Data">The documents, as they were indexed.</param>
/// <param name="Meta">Where the page stands.</param>
internal sealed record SearchPageShape(JsonElement[] Data, SearchMeta Meta);

/// <summary>A page of a scroll, for the reference.</summary>
/// <param name="Data">The documents, as they were indexed.</param>
/// <param name="Meta">Where the page stands.</param>
internal sealed record ScrollPageShape(JsonElement[] Data, ScrollMeta Meta);
