using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>What an address and the options of a slot mean, and what is refused of them instead of being passed over.</summary>
public sealed class PostgresUrlTests
{
    [Theory]
    [InlineData("postgres://me:p%40ss@db:6432/shop", "db 6432 shop me p@ss espipe 4")]
    [InlineData("postgresql:///?host=db.internal&user=ro", "db.internal 5432 postgres ro - espipe 4")]
    [InlineData("postgres://db?host=other&port=1&dbname=d%20b&user=u&password=p", "other 1 d b u p espipe 4")]
    [InlineData("postgres:///shop?host=%2Frun%2Fpostgresql", "/run/postgresql 5432 shop postgres - espipe 4")]
    [InlineData("postgres://db/?application_name=mine&connect_timeout=9", "db 5432 postgres postgres - mine 9")]
    public void Every_part_counts(string url, string parts)
    {
        var target = TargetOf(url);
        Assert.Equal(parts, $"{target.Host} {target.Port} {target.Database} {target.Username} {target.Password ?? "-"} {target.ApplicationName} {target.Timeout}");
    }

    [Fact]
    public void What_only_a_connection_needs_is_passed_on()
    {
        var target = TargetOf("postgres://db/?options=-c%20search_path%3Dshop&channel_binding=require&sslmode=verify-ca");
        Assert.Equal(("-c search_path=shop", "Require", "VerifyCA"), (target.Options, target.ChannelBinding.ToString(), target.SslMode.ToString()));
    }

    [Theory]
    [InlineData("postgres://db/?target_session_attrs=read-write", "'target_session_attrs' means nothing here")]
    [InlineData("postgres://db/?schema=shop", "'schema' means nothing here")]
    [InlineData("postgres://db/?sslmode=on", "sslmode 'on'")]
    [InlineData("postgres://db/?channel_binding=yes", "channel_binding 'yes'")]
    [InlineData("postgres://db/?port=none", "port 'none'")]
    [InlineData("postgres://db/?connect_timeout=soon", "connect_timeout 'soon'")]
    [InlineData("postgres://db/?sslcert=/nowhere/client.crt", "there is no file '/nowhere/client.crt'")]
    [InlineData("postgres:///?host=one,two", "several hosts")]
    [InlineData("mysql://db/", "it is not of the form")]
    public void What_means_nothing_is_a_mistake(string url, string mistake)
    {
        var options = new PostgresOptions { Table = "t", Url = new Secret(url.Replace("//db", "//me:s3cret@db", StringComparison.Ordinal)) };
        var said = Assert.Single(options.Mistakes());
        Assert.Contains(mistake, said, StringComparison.Ordinal);
        Assert.StartsWith("--pg-url: ", said, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--pg-slot")]
    [InlineData("--pg-publication")]
    [InlineData("--pg-truncate")]
    [InlineData("--pg-max-slot-bytes")]
    public void An_option_of_the_log_is_a_mistake_where_the_log_is_not_followed(string option)
    {
        Assert.Equal($"{option}: it is of no use without --pg-follow changes.", Assert.Single(MistakesIn(FollowWay.UpdatedColumn, OptionOrigin.CommandLine)));
        Assert.Empty(MistakesIn(FollowWay.UpdatedColumn, OptionOrigin.Environment));
        Assert.Empty(MistakesIn(FollowWay.Changes, OptionOrigin.CommandLine));

        IEnumerable<string> MistakesIn(FollowWay way, OptionOrigin origin) =>
            new PostgresSourceOptions { Table = "t", Follow = way, OriginOf = name => name == option ? origin : OptionOrigin.Default }.Mistakes();
    }

    private static Npgsql.NpgsqlConnectionStringBuilder TargetOf(string url)
    {
        var options = new PostgresOptions { Table = "t", Url = new Secret(url) };
        Assert.Empty(options.Mistakes());
        return PostgresAddress.Of(options, options.Timeout);
    }
}
