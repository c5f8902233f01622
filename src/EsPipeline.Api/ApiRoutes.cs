using System.Net.Mime;
using EsPipeline.Api.Analytics;
using EsPipeline.Api.Http;
using EsPipeline.Api.Indices;
using EsPipeline.Api.Jobs;
using EsPipeline.Api.Pages;
using EsPipeline.Api.Scroll;
using EsPipeline.Api.Search;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EsPipeline.Api;

/// <summary>Every path that there is.</summary>
internal static class ApiRoutes
{
    private static readonly string[] ReadMethods = ["GET", "HEAD"];

    /// <summary>Adds them.</summary>
    public static void Map(IEndpointRouteBuilder app)
    {
        MapSearch(app);
        MapAnalytics(app);
        MapPipeline(app);
        MapPages(app);
        app.MapRead("/health", (HealthEndpoint health, CancellationToken ct) => health.AnswerAsync(ct))
            .Describe("Whether the API and the search server can be used", "Health", []).Produces<Health>().Produces<Health>(503).WithMetadata(new NeedsNoKey());
        app.MapOpenApi("/{documentName}.json").WithMetadata(new NeedsNoKey(), new HttpMethodMetadata(ReadMethods)).ExcludeFromDescription();
    }

    private static void MapSearch(IEndpointRouteBuilder app)
    {
        app.MapPost("/search", (HttpContext context, SearchEndpoint search) => search.AnswerAsync(context))
            .Describe("A page of the documents that fit", "Search", [])
            .Accepts<SearchBodyShape>(MediaTypeNames.Application.Json).Produces<SearchPageShape>().Problems(400, 404, 413, 415, 503, 504);

        // Not with HEAD, which would hold a view open for a cursor that nobody gets.
        app.MapGet("/search/{index}/scroll", (HttpContext context, ScrollEndpoint scroll, string index, string? cursor, int? size, string? fields, string? sort) =>
                scroll.AnswerAsync(context, index, cursor, size, fields, sort))
            .Describe("Every document of an index once, page by page", "Search", ["cursor", "size", "fields", "sort"])
            .Produces<ScrollPageShape>().Problems(400, 404, 410, 503, 504);
        app.MapRead("/indices", (IndexEndpoints endpoints, CancellationToken ct) => endpoints.ListAsync(ct))
            .Describe("The indices that are served", "Search", []).Problems(503, 504);
        app.MapRead("/indices/{index}/fields", (IndexEndpoints endpoints, string index, CancellationToken ct) => endpoints.FieldsAsync(index, ct))
            .Describe("The fields of an index, with their types", "Search", []).Problems(400, 404, 503, 504);
    }

    private static void MapAnalytics(IEndpointRouteBuilder app)
    {
        app.MapRead("/api/count_specific", (HttpContext context, SharedAnswers answers, AnalyticsEndpoints analytics, string? label, string? from, string? to, string? tz) =>
                answers.SendAsync(context, ct => analytics.CountAsync(label, from, to, tz, ct)))
            .Describe("The total of one label", "Analytics", ["label", "from", "to", "tz"]).Produces<LabelTotal>().Problems(400, 404, 503, 504);
        app.MapRead("/api/label_counts", (HttpContext context, SharedAnswers answers, AnalyticsEndpoints analytics, int? top, string? prefix, string? from, string? to, string? tz) =>
                answers.SendAsync(context, ct => analytics.TopAsync(top, prefix, from, to, tz, ct)))
            .Describe("The labels with the greatest totals", "Analytics", ["top", "prefix", "from", "to", "tz"]).Produces<LabelCounts>().Problems(400, 404, 503, 504);
        app.MapRead("/api/timeline", (HttpContext context, SharedAnswers answers, AnalyticsEndpoints analytics, string[]? label, string? interval, string? from, string? to, string? tz) =>
                answers.SendAsync(context, ct => analytics.TimelineAsync(label ?? [], interval, from, to, tz, ct)))
            .Describe("The totals of labels over time", "Analytics", ["label", "interval", "from", "to", "tz"], several: "label").Produces<Timeline>().Problems(400, 404, 503, 504);
    }

    private static void MapPipeline(IEndpointRouteBuilder app)
    {
        app.MapRead("/api/pipeline", (PipelineEndpoints pipeline, CancellationToken ct) => pipeline.ListAsync(ct))
            .Describe("The jobs of the state folder, each with its last run", "Pipeline", []).Problems(503);
        app.MapRead("/api/pipeline/{job}", (PipelineEndpoints pipeline, string job, CancellationToken ct) => pipeline.RunsAsync(job, ct))
            .Describe("The runs of a job, newest first", "Pipeline", []).Problems(404, 503);
    }

    private static void MapPages(IEndpointRouteBuilder app)
    {
        foreach (var (path, name) in (ReadOnlySpan<(string, string)>)[("/", "dashboard.html"), ("/pipeline", "pipeline.html"), ("/docs", "docs.html")])
        {
            app.MapRead(path, context => Assets.SendAsync(context, name)).WithMetadata(new NeedsNoKey()).ExcludeFromDescription();
        }

        foreach (var name in Assets.Names)
        {
            app.MapRead("/assets/" + name, context => Assets.SendAsync(context, name)).WithMetadata(new NeedsNoKey()).ExcludeFromDescription();
        }
    }

    // HEAD is answered as GET is; the server leaves the body out.
    private static RouteHandlerBuilder MapRead(this IEndpointRouteBuilder app, string path, Delegate answer) => app.MapMethods(path, ReadMethods, answer);

    private static IEndpointConventionBuilder MapRead(this IEndpointRouteBuilder app, string path, RequestDelegate answer) => app.MapMethods(path, ReadMethods, answer);

    private static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string summary, string tag, string[] parameters, string? several = null) => route
        .WithSummary(summary)
        .WithTags(tag)
        .ProducesProblem(StatusCodes.Status401Unauthorized, Problem.MediaType)
        .Problems(403, 405, 429, 500)
        .AddEndpointFilter((context, next) =>
        {
            // A parameter that is not known would be passed over in silence, and the answer taken for what was asked.
            var stranger = context.HttpContext.Request.Query.Keys.FirstOrDefault(k => !parameters.Contains(k));
            if (stranger is not null) throw ApiErrors.BadRequest.Error($"There is no parameter '{SearchRequest.Shown(stranger)}' here; there {(parameters.Length == 0 ? "are none" : "are " + string.Join(", ", parameters))}.");

            // Of two values neither is the one that was meant.
            var twice = context.HttpContext.Request.Query.FirstOrDefault(p => p.Value.Count > 1 && p.Key != several).Key;
            return twice is null ? next(context) : throw ApiErrors.BadRequest.Error($"'{twice}' is given more than once.");
        });

    private static RouteHandlerBuilder Problems(this RouteHandlerBuilder route, params int[] statuses)
    {
        foreach (var status in statuses) route.ProducesProblem(status, Problem.MediaType);
        return route;
    }
}
