using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EsPipeline.Api.Analytics;
using EsPipeline.Api.Http;
using EsPipeline.Api.Indices;
using EsPipeline.Api.Jobs;
using EsPipeline.Api.Scroll;
using EsPipeline.Api.Search;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Api;

/// <summary>The running server. Dispose it to stop it: requests under way are finished first, for a few seconds.</summary>
public sealed class ApiHost : IAsyncDisposable
{
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(5);

    private readonly WebApplication _app;

    private ApiHost(WebApplication app) => _app = app;

    /// <summary>Where it answers.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Starts it; on return it answers. The search server need not be there yet.</summary>
    /// <param name="options">Valid options.</param>
    /// <param name="elasticsearch">How the search server is reached; valid.</param>
    /// <param name="state">The jobs that the page /pipeline shows.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Cancels the start.</param>
    /// <exception cref="PipelineException"><see cref="ApiErrors.CannotListen"/> or <see cref="ApiErrors.BadCertificate"/>.</exception>
    public static async Task<ApiHost> StartAsync(
        ApiOptions options, ElasticsearchOptions elasticsearch, IStateStore state, ILoggerFactory loggers, TimeProvider time, CancellationToken ct)
    {
        // Empty: neither files nor environment names of the framework's own change anything.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = typeof(ApiHost).Assembly.GetName().Name });
        var certificate = CertificateOf(options);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Limit(kestrel, options, certificate));
        if (certificate is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        var log = loggers.CreateLogger("espipe.api");
        AddServices(builder.Services, options, elasticsearch, state, loggers, log, time);
        var app = builder.Build();
        Use(app, options, log);
        ApiRoutes.Map(app);
        var host = new ApiHost(app);
        try
        {
            await app.StartAsync(ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw ApiErrors.CannotListen.Error($"{options.Host} port {options.Port} can't be listened at: {e.Message.TrimEnd('.')}.", inner: e);
        }

        Log.Serving(log, host.Address, app.Services.GetRequiredService<SearchCluster>().Name);
        var isLocal = options.Host == "localhost" || (IPAddress.TryParse(options.Host, out var address) && IPAddress.IsLoopback(address));
        if (app.Services.GetRequiredService<AccessGate>().IsOpen) Log.LoopbackOnly(log);
        else if (certificate is null && !isLocal) Log.PlainHttp(log, host.Address);
        return host;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(LongestDrain);
        await _app.StopAsync(patience.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private static void AddServices(
        IServiceCollection services, ApiOptions options, ElasticsearchOptions elasticsearch, IStateStore state, ILoggerFactory loggers, ILogger log, TimeProvider time)
    {
        services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(new FrameworkLog(loggers)));
        services.AddSingleton(options).AddSingleton(elasticsearch).AddSingleton(state).AddSingleton(time).AddSingleton(log);
        services.AddSingleton<AccessGate>().AddSingleton<RequestRate>().AddSingleton<CurrentCaller>().AddSingleton<SearchCluster>().AddSingleton<FieldRules>().AddSingleton<ServedIndices>();
        services.AddSingleton<SharedSearches>().AddSingleton<SearchEndpoint>().AddSingleton<IndexEndpoints>().AddSingleton<CursorSeal>().AddSingleton<ServerKind>().AddSingleton<OpenViews>().AddSingleton<ScrollEndpoint>();
        services.AddSingleton<CountsIndex>().AddSingleton<SharedAnswers>().AddSingleton<AnalyticsEndpoints>().AddSingleton<PipelineEndpoints>().AddSingleton<HealthEndpoint>();

        // Nothing here blocks a thread, so a request is answered on the one that received it: each hand-over to another costs both cores.
        services.Configure<SocketTransportOptions>(transport => transport.UnsafePreferInlineScheduling = true);
        services.ConfigureHttpJsonOptions(json => ApiJson.Configure(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddRouting().AddCors().AddRequestTimeouts(timeouts => timeouts.DefaultPolicy = new RequestTimeoutPolicy
        {
            Timeout = options.Timeout,
            WriteTimeoutResponse = context => Problem.WriteAsync(context, ApiErrors.TimedOut.Error($"The answer took longer than {options.Timeout.TotalSeconds:0.#} s.")),
        });
        services.AddOpenApi(ApiReference.DocumentName, ApiReference.Describe);
    }

    private static void Limit(KestrelServerOptions kestrel, ApiOptions options, X509Certificate2? certificate)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = JsonBody.MostBytes;

        // A cursor holds the id of a point in time, which grows with the number of shards.
        kestrel.Limits.MaxRequestLineSize = 64 << 10;
        kestrel.Limits.MaxRequestBufferSize = 256 << 10;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 << 10;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.MaxConcurrentConnections = 2000;

        // Whoever takes an answer more slowly than this keeps others from theirs.
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 32 << 10, gracePeriod: TimeSpan.FromSeconds(10));
        void Secure(ListenOptions listen)
        {
            if (certificate is not null) listen.UseHttps(certificate);
        }

        if (options.Host == "*") kestrel.ListenAnyIP(options.Port, Secure);
        else if (options.Host == "localhost" && options.Port != 0) kestrel.ListenLocalhost(options.Port, Secure);
        else kestrel.Listen(options.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(options.Host), options.Port, Secure);
    }

    private static void Use(WebApplication app, ApiOptions options, ILogger log)
    {
        app.Use((context, next) =>
        {
            SecurityHeaders.Add(context);
            return next(context);
        });
        app.Use(next => new ErrorAnswers(next, log).InvokeAsync);
        app.UseRouting();
        if (options.CorsOrigins.Count > 0)
        {
            app.UseCors(cors => cors.WithOrigins([.. options.CorsOrigins]).WithMethods("GET", "POST").WithHeaders("Content-Type", AccessGate.Header).WithExposedHeaders("Retry-After"));
        }

        var gate = app.Services.GetRequiredService<AccessGate>();
        var rate = app.Services.GetRequiredService<RequestRate>();
        var caller = app.Services.GetRequiredService<CurrentCaller>();

        // Counted before the key is looked at: guessing keys is limited too.
        app.Use((context, next) =>
        {
            caller.Name = gate.CallerOf(context);
            return (rate.Count(context) ?? gate.Refusal(context)) is { } refusal ? throw refusal : next(context);
        });
        app.UseRequestTimeouts();
    }

    private static X509Certificate2? CertificateOf(ApiOptions options)
    {
        if (options.CertificateFile.Length == 0) return null;
        try
        {
            return X509Certificate2.CreateFromPemFile(options.CertificateFile, options.CertificateKeyFile);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            // A key of another certificate is an ArgumentException where both are of elliptic curves.
            throw ApiErrors.BadCertificate.Error($"{options.CertificateFile} and {options.CertificateKeyFile} can't be used: {e.Message.TrimEnd('.')}.", inner: e);
        }
    }
}
