using EsPipeline.Connectors;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Cli;

/// <summary>The two ends, the state store and the log of one pipeline, made from its settings.</summary>
internal sealed class PipelineHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly Settings _settings;

    private PipelineHost(Settings settings, ServiceProvider services)
    {
        (_settings, _services) = (settings, services);
        Source = services.GetRequiredKeyedService<IDataSource>(settings.Source.Name);
        Sink = services.GetRequiredKeyedService<IDataSink>(settings.Sink.Name);
        State = services.GetRequiredService<IStateStore>();
        Log = services.GetRequiredService<ILoggerFactory>().CreateLogger("espipe");
    }

    public IDataSource Source { get; }

    public IDataSink Sink { get; }

    public IStateStore State { get; }

    public ILogger Log { get; }

    /// <summary>True where records go to standard output, which then carries nothing else.</summary>
    public static bool WritesToStandardOutput(Settings settings) => settings.SinkOptions is OutputFileOptions { ToStandardOutput: true };

    /// <summary>Makes everything; nothing is connected yet.</summary>
    public static PipelineHost Create(Settings settings, ILoggerFactory loggers)
    {
        var services = new ServiceCollection();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(loggers);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddSingleton(settings.Run with { Job = settings.Job, Query = settings.Query, Mode = settings.Mode });
        services.AddSingleton(new ConnectorOptions(settings.SourceOptions, settings.SinkOptions));
        services.AddSingleton(_ => StateStores.Open(settings.Run.State, TimeProvider.System, loggers.CreateLogger("espipe")));
        services.AddSingleton(_ => new PipelineMeter(settings.Job, settings.Source.Name, settings.Sink.Name));
        services.AddConnectors();
        var host = new PipelineHost(settings, services.BuildServiceProvider());
        foreach (var value in settings.Values.Where(v => v.Origin == OptionOrigin.CommandLine && v.Definition.HoldsSecret(v.Value)))
        {
            CliLog.SecretOnCommandLine(host.Log, value.Definition.Name, value.Definition.Environment.FirstOrDefault() ?? "a name");
        }

        return host;
    }

    /// <summary>What the engine runs.</summary>
    public PipelineSetup Setup()
    {
        var run = _settings.Run;
        var transforms = _settings.Rules.Any || run.IdField is not null || _settings.Shard.Count > 1;
        return new PipelineSetup
        {
            Job = _settings.Job,
            Mode = _settings.PipelineMode,
            From = (_settings.Source.Name, Source),
            To = (_settings.Sink.Name, Sink),
            State = State,
            DeadLetterPath = run.DeadLetters,
            Selection = Selection(),
            Bounded = _settings.Bounded,
            Identity = _settings.Identity,
            Transform = transforms ? new RecordTransform(_settings.Rules, run.IdField, _settings.Shard) : null,
            Threads = run.Threads,
            BatchSize = run.BatchSizes,
            ReadAheadBytes = (long)run.ReadAheadMegabytes << 20,
            RateLimit = run.RateLimit is 0 ? null : run.RateLimit,
            Interval = run.Interval,
            CheckpointInterval = run.CheckpointInterval,
            Retry = new RetryOptions(run.MaxRetries, run.RetryDelay, run.RetryBudget, Forever: _settings.PipelineMode == PipelineMode.Continuous),
            MaxDeadLetters = run.MaxDeadLetters,
            ShutdownTimeout = run.ShutdownTimeout,
            MaxRuntime = run.MaxRuntime,
            Meter = _services.GetRequiredService<PipelineMeter>(),
            SinkNames = _settings.SinkNames,
            Log = Log,
        };
    }

    public async ValueTask DisposeAsync() => await _services.DisposeAsync();

    // A first single run has no position to go on from: it takes the last minutes, by the time field.
    private Selection Selection()
    {
        var run = _settings.Run;
        var since = run.Since?.Instant;
        if (since is null && !run.MatchAll && _settings.PipelineMode == PipelineMode.Single && _settings.Source.Source!.SelectsByTime)
        {
            since = TimeProvider.System.GetUtcNow() - TimeSpan.FromMinutes(5);
        }

        return new Selection(_settings.Query, since, run.Until?.Last, run.TimestampField, run.Limit);
    }
}
