using EsPipeline.Connectors;
using EsPipeline.Cli.Explaining;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli.Tests.Explaining;

public sealed class AdviceTests
{
    [Fact]
    public void Every_error_code_has_advice_and_names_only_options_that_there_are_and_no_secret()
    {
        var options = OptionCatalog.All.ToArray();
        var known = options.Where(o => !o.IsSecret).Select(o => o.DisplayName)
            .Concat(BuiltInConnectors.All.SelectMany(c => new[] { c.Source?.Options, c.Sink?.Options }).OfType<Type>().Select(Activator.CreateInstance).OfType<IEffectiveOptions>().SelectMany(o => o.Effective).Select(e => e.Key))
            .Append("job-options").ToHashSet(StringComparer.Ordinal);
        Assert.True(ErrorCatalog.All.Count > 80, $"Only {ErrorCatalog.All.Count} codes were found.");
        foreach (var error in ErrorCatalog.All)
        {
            Assert.True(error.Meaning.EndsWith('.'), $"{error.Code}: its meaning is no sentence.");
            Assert.True(error.Remedy.TrimEnd('\'').EndsWith('.'), $"{error.Code}: its remedy is no sentence.");
            Assert.Contains(error.Steps, step => step.Contains('`', StringComparison.Ordinal) || step.Contains('{', StringComparison.Ordinal));
            foreach (var step in error.Steps)
            {
                var unknown = Advice.PlaceholdersIn(step).Where(p => !known.Contains(p)).ToArray();
                Assert.True(unknown.Length == 0, $"{error.Code}: nothing is called {string.Join(", ", unknown)}.");
                Assert.True(step.Count(c => c == '`') is 0 or 2, $"{error.Code}: a command is not between two backquotes: {step}");
            }

            var lines = new Advice(null).Lines(error);
            Assert.Contains(lines, l => l.StartsWith("  1. ", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, l => l.Contains('{', StringComparison.Ordinal) && l.Contains("{--", StringComparison.Ordinal));
        }

    }

    [Fact]
    public void Commands_hold_the_values_of_the_case()
    {
        var settings = SettingsOf.Options(
            [("--source", "elasticsearch"), ("--sink", "jsonl"), ("--output-file", "out.jsonl"), ("--es-index", "orders"), ("--job", "nightly"), ("--state", "/var/lib/my state")],
            ("ES_HOST", "search.example"), ("ES_PORT", "9243"), ("ES_USE_SSL", "true"), ("ES_USER", "reader"), ("ES_PASSWORD", "geheim"));
        var advice = new Advice(settings);
        Assert.Contains("       curl -sS -u reader https://search.example:9243", advice.Lines(ElasticsearchErrors.Unreachable));
        Assert.Contains("       curl -sS -u reader -X POST https://search.example:9243/orders/_open", advice.Lines(ElasticsearchErrors.IndexClosed));
        Assert.Contains("       espipe checkpoint reset --job nightly --state '/var/lib/my state'", advice.Lines(CheckpointErrors.JobChanged));
    }

    [Theory]
    [InlineData("db.example", "orders", "mysql --protocol=tcp -h db.example -P 3307 -u app -p -e 'SHOW CREATE TABLE `shop`.`orders`'")]
    [InlineData("/run/my sql.sock", "or`der's", @"mysql -S '/run/my sql.sock' -u app -p -e 'SHOW CREATE TABLE `shop`.`or``der'\''s`'")]
    public void Commands_for_MySQL_hold_the_server_and_the_table(string host, string table, string command)
    {
        var settings = SettingsOf.Options(
            [("--source", "csv"), ("--csv-file", "a.csv"), ("--sink", "mysql"), ("--db-host", host), ("--db-port", "3307"), ("--db-table", table)],
            ("DB_USER", "app"), ("DB_NAME", "shop"), ("DB_PASSWORD", "geheim"));
        Assert.Contains("       " + command, new Advice(settings).Lines(TableErrors.TooLong));
    }

    [Fact]
    public void Commands_for_Postgres_hold_what_an_address_says()
    {
        var settings = SettingsOf.Options(
            [("--source", "postgres"), ("--pg-table", "sales.\"Order's\""), ("--sink", "jsonl"), ("--output-file", "out.jsonl")],
            ("PG_URL", "postgres://app:geheim@db.example:6543/my%20shop"));
        var advice = new Advice(settings);
        Assert.Contains(@"       psql -h db.example -p 6543 -U app -d 'my shop' -c '\d sales.""Order'\''s""'", advice.Lines(PostgresErrors.NoColumn));
        Assert.Contains("       pg_isready -h db.example -p 6543", advice.Lines(PostgresErrors.Unreachable));
    }

    [Theory]
    [InlineData("--s3-bucket", "my-counts", "aws --endpoint-url https://s3.example/ s3 ls --recursive s3://my-counts/out/")]
    [InlineData("--hadoop-path", "/data/job output", "ls -lR '/data/job output'")]
    public void Commands_for_Hadoop_hold_the_place_of_the_files(string option, string value, string command)
    {
        var settings = SettingsOf.Options(
            [("--source", "hadoop"), (option, value), ("--s3-endpoint", "s3.example"), ("--s3-prefix", "out/"), ("--sink", "jsonl"), ("--output-file", "out.jsonl")]);
        Assert.Contains("       " + command, new Advice(settings).Lines(HadoopErrors.Damaged));
    }

    [Fact]
    public void The_error_s_own_remedy_goes_first_and_the_steps_of_its_kind_last()
    {
        var lines = new Advice(null).Lines(FilesErrors.FieldCount, "Mend line 7.");
        Assert.StartsWith("What csv.field_count means: ", lines[0], StringComparison.Ordinal);
        Assert.Equal("  1. Mend line 7.", lines[2]);
        Assert.Equal("       espipe dead-letters replay <the options of the run> --code csv.field_count", lines[^1]);
    }

    [Theory]
    [InlineData("a b", "'a b'")]
    [InlineData("$(reboot)", "'$(reboot)'")]
    [InlineData("it's;rm -rf", @"'it'\''s;rm -rf'")]
    public void Values_can_not_become_commands(string name, string quoted)
    {
        var settings = SettingsOf.Options([("--source", "csv"), ("--csv-file", name), ("--sink", "jsonl"), ("--output-file", "x")]);
        Assert.Contains($"       head -n 1 {quoted}", new Advice(settings).Lines(FilesErrors.NoColumn));
    }

    [Fact]
    public void A_value_within_quotes_stays_within_them()
    {
        var settings = SettingsOf.Options([("--source", "elasticsearch"), ("--es-index", "a'b"), ("--sink", "jsonl"), ("--output-file", "x")]);
        Assert.Contains(@"       curl -sS 'http://localhost:9200/a'\''b/_mapping?pretty'", new Advice(settings).Lines(ElasticsearchErrors.NoTimeField));
    }

    [Theory]
    [InlineData("elasticsearch", "--es-url", "http://me:S3cr3t%21@host:9200/i")]
    [InlineData("postgres", "--pg-url", "postgres://me:S3cr3t%21@host/db")]
    [InlineData("hadoop", "--s3-bucket", "my-counts")]
    [InlineData("mysql", "--db-table", "t")]
    public void No_advice_holds_a_secret(string source, string option, string value)
    {
        const string secret = "S3cr3t!%40/:?#";
        var secrets = OptionCatalog.All.Where(o => o.IsSecret).SelectMany(o => o.Environment).Distinct().Select(e => (e, secret)).ToArray();
        var settings = SettingsOf.Options(
            [("--source", source), (option, value), ("--sink", "firestore"), ("--firestore-project", "my-project"), ("--firestore-collection", "c")], secrets);
        foreach (var error in ErrorCatalog.All)
        {
            Assert.DoesNotContain(new Advice(settings).Lines(error), l => l.Contains("S3cr3t", StringComparison.OrdinalIgnoreCase));
        }
    }
}
