using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.DependencyInjection;

namespace EsPipeline.Connectors;

/// <summary>The one list of all systems: a new one is a folder beside this file and a line in it.</summary>
public static class BuiltInConnectors
{
    /// <summary>Every system, in the order in which help shows them.</summary>
    public static IReadOnlyList<Connector> All { get; } =
    [
        new("elasticsearch", "Elasticsearch and OpenSearch")
        {
            Aliases = ["opensearch"],
            Source = SourceEnd.Of<ElasticsearchSource, ElasticsearchSourceOptions>() with
            {
                Follows = true,
                QueryLanguage = "Elasticsearch query DSL",
                SelectsByTime = true,
            },
            Sink = SinkEnd.Of<ElasticsearchSink, ElasticsearchSinkOptions>() with { UseTarget = (options, name) => ((ElasticsearchSinkOptions)options).UsualIndex = name },
        },
        new("firestore", "Google Cloud Firestore and its emulator")
        {
            Source = SourceEnd.Of<FirestoreSource, FirestoreOptions>(),
            Sink = SinkEnd.Of<FirestoreSink, FirestoreSinkOptions>(),
            Join = (source, sink, reshapes) => FirestoreOptions.Join((FirestoreOptions)source, (FirestoreOptions)sink, reshapes),
        },
        new("mysql", "MySQL and MariaDB")
        {
            Aliases = ["mariadb"],
            Source = SourceEnd.Of<MySqlSource, MySqlSourceOptions>() with
            {
                Follows = true,
                FollowsWith = options => ((MySqlSourceOptions)options).UpdatedColumn is not null,
                QueryLanguage = "SQL",
                SelectsByTime = true,
            },
            Sink = SinkEnd.Of<MySqlSink, MySqlSinkOptions>(),
        },
        new("postgres", "PostgreSQL")
        {
            Aliases = ["postgresql"],
            Source = SourceEnd.Of<PostgresSource, PostgresSourceOptions>() with
            {
                Follows = true,
                QueryLanguage = "SQL, a condition or a whole SELECT",
                SelectsByTime = true,
            },
            Sink = SinkEnd.Of<PostgresSink, PostgresOptions>(),
        },
        new("csv", "CSV files") { Source = SourceEnd.Of<CsvSource, CsvOptions>(), Sink = SinkEnd.Of<CsvSink, CsvOutputOptions>() },
        new("jsonl", "JSON Lines files") { Source = SourceEnd.Of<JsonLinesSource, JsonLinesOptions>(), Sink = SinkEnd.Of<JsonLinesSink, OutputFileOptions>() },
        new("file", "JSON Lines that keep key and document apart") { Sink = SinkEnd.Of<EnvelopeSink, OutputFileOptions>() },
        new("hadoop", "Output of Hadoop jobs on S3 or in a folder")
        {
            Source = SourceEnd.Of<HadoopSource, HadoopOptions>() with { Follows = true, UsualTarget = options => ((HadoopOptions)options).UsualTarget },
        },
    ];

    /// <summary>The system of a name or alias; null for none.</summary>
    public static Connector? Find(string name) => All.FirstOrDefault(c => c.Name == name || c.Aliases.Contains(name));

    /// <summary>
    /// Registers every source and sink under its name. Each is made with the options record found in <see cref="ConnectorOptions"/>.
    /// </summary>
    public static IServiceCollection AddConnectors(this IServiceCollection services)
    {
        foreach (var connector in All)
        {
            if (connector.Source is { } source)
            {
                services.AddKeyedSingleton(connector.Name, (provider, _) =>
                    (IDataSource)ActivatorUtilities.CreateInstance(provider, source.Type, provider.GetRequiredService<ConnectorOptions>().Source));
            }

            if (connector.Sink is { } sink)
            {
                services.AddKeyedSingleton(connector.Name, (provider, _) =>
                    (IDataSink)ActivatorUtilities.CreateInstance(provider, sink.Type, provider.GetRequiredService<ConnectorOptions>().Sink));
            }
        }

        return services;
    }
}

/// <summary>The options records of the two ends of one pipeline.</summary>
/// <param name="Source">The source's.</param>
/// <param name="Sink">The sink's.</param>
public sealed record ConnectorOptions(object Source, object Sink);
