using EsPipeline.Cli.Tests.Explaining;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Connectors.Postgres;

namespace EsPipeline.Cli.Tests;

/// <summary>Options that mean one thing together, given in two places: the stronger place counts, and what is left in the weaker one is no mistake.</summary>
public sealed class StrongerPlaceTests
{
    [Theory]
    [InlineData("--es-url http://h:9200/b/_search", "ELASTICSEARCH_INDEX=a", "http://h:9200", "b")]
    [InlineData("--es-url http://h:9200", "ELASTICSEARCH_INDEX=a", "http://h:9200", "a")]
    [InlineData("--es-index b", "ES_HOST_URL=http://h:9200/a", "http://h:9200", "b")]
    [InlineData("--es-url http://h:9200/b", "ELASTICSEARCH_HOST=elsewhere", "http://h:9200", "b")]
    public void The_index_and_the_host_of_a_cluster(string typed, string environment, string url, string index)
    {
        var settings = Read($"--source elasticsearch --sink jsonl --output-file o {typed}", environment);
        Assert.Empty(settings.Mistakes);
        var effective = ((ElasticsearchSourceOptions)settings.SourceOptions).Effective.ToDictionary();
        Assert.Equal((url, index), (effective["--es-url"], effective["--es-index"]));
    }

    [Theory]
    [InlineData("--es-user other --es-pass q", "ES_HOST_URL=http://a:p@h", "Basic b3RoZXI6cQ==")]
    [InlineData("--es-url http://a:p@h", "ES_USER=other ES_PASSWORD=q", "Basic YTpw")]
    [InlineData("--es-url http://a:p@h", "ES_API_KEY=id:key", "Basic YTpw")]
    [InlineData("--api_key id:key", "ES_USER=other ES_PASSWORD=q", "ApiKey aWQ6a2V5")]
    [InlineData("--api_key id:key", "ES_HOST_URL=http://a:p@h", "ApiKey aWQ6a2V5")]
    [InlineData("--es-user other --es-pass q", "ES_API_KEY=id:key", "Basic b3RoZXI6cQ==")]
    public void Who_signs_in_to_a_cluster(string typed, string environment, string header)
    {
        var settings = Read($"--source elasticsearch --es-index i --sink jsonl --output-file o {typed}", environment);
        Assert.Empty(settings.Mistakes);
        var options = (ElasticsearchSourceOptions)settings.SourceOptions;
        Assert.Equal(header, Credentials.HeaderFor(ClusterAddress.Parse(options, [])[0], options)?.ToString());
    }

    [Fact]
    public void Parts_of_an_address_of_Postgres()
    {
        var settings = Read(
            "--source postgres --pg-host staging --pg-user me --pg-sslmode verify-full --pg-table t --sink jsonl --output-file o",
            "PG_URL=postgres://app:secret@prod:6432/shop?sslmode=disable");
        Assert.Empty(settings.Mistakes);
        var target = PostgresAddress.Of((PostgresOptions)settings.SourceOptions, TimeSpan.FromMinutes(1));
        Assert.Equal(("staging", 6432, "shop", "me", "secret", "VerifyFull"), (target.Host, target.Port, target.Database, target.Username, target.Password, target.SslMode.ToString()));
    }

    [Theory]
    [InlineData("--source hadoop --hadoop-path p", "S3_BUCKET_NAME=bucket-1")]
    [InlineData("--source hadoop --s3-bucket bucket-1", "HADOOP_PATH=p")]
    [InlineData("--source elasticsearch --es-index i --match-all", "ESPIPE_QUERY={}")]
    [InlineData("--source elasticsearch --es-index i --max-batch-size 500", "BATCH_SIZE=5000")]
    [InlineData("--source elasticsearch --es-index i --batch-size 100", "MIN_BATCH_SIZE=500")]
    public void Of_two_that_exclude_each_other_the_stronger_one_counts(string typed, string environment)
    {
        Assert.Empty(Read($"{typed} --sink jsonl --output-file o", environment).Mistakes);

        // In one place it is a mistake as before.
        var names = environment.Split('=', 2);
        var option = OptionCatalog.All.First(o => o.Environment.Contains(names[0])).Name;
        Assert.NotEmpty(Read($"{typed} {option} {names[1]} --sink jsonl --output-file o", "").Mistakes);
    }

    [Theory]
    [InlineData("", "e:1", "e:1")]
    [InlineData(" SINK_FIRESTORE_EMULATOR_HOST=f:2", "e:1", "f:2")]
    [InlineData(" SINK_FIRESTORE_EMULATOR_HOST=none", "e:1", null)]
    public void The_emulator_is_both_ends_unless_the_sink_has_its_own(string more, string? source, string? sink)
    {
        var settings = Read(
            "--source firestore --firestore-project p --firestore-collection c --sink firestore --sink-firestore-project p --sink-firestore-collection d",
            "FIRESTORE_EMULATOR_HOST=e:1" + more);
        Assert.Empty(settings.Mistakes);
        Assert.Equal((source, sink), (((FirestoreOptions)settings.SourceOptions).EmulatorHost, ((FirestoreOptions)settings.SinkOptions).EmulatorHost));
    }

    [Fact]
    public void A_cluster_that_is_to_speak_tls_is_not_asked_in_the_open() => Assert.Contains(
        Read("--source elasticsearch --es-index i --sink jsonl --output-file o", "ELASTICSEARCH_HOST=http://h ELASTICSEARCH_USE_SSL=true").Mistakes,
        m => m.StartsWith("ELASTICSEARCH_HOST:", StringComparison.Ordinal));

    private static Settings Read(string typed, string environment)
    {
        var words = typed.Split(' ');
        var options = new List<(string Name, string Value)>();
        for (var i = 0; i < words.Length; i++)
        {
            var name = OptionCatalog.All.First(o => o.Name == words[i].Replace('_', '-') || o.Aliases.Contains(words[i].Replace('_', '-')));
            options.Add((name.Name, name.IsFlag ? "true" : words[++i]));
        }

        return SettingsOf.Options(options, environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(e => e.Split('=', 2)).Select(e => (e[0], e[1])));
    }
}
