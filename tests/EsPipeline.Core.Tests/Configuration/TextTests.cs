using EsPipeline.Core.Configuration;

namespace EsPipeline.Core.Tests.Configuration;

/// <summary>Durations, times, names of enumerations and near misses, as a person types them.</summary>
public sealed class TextTests
{
    private static readonly DateTimeOffset Now = new(2024, 5, 6, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("30", 30_000)]
    [InlineData("1.5", 1500)]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("0.5h", 1_800_000)]
    public void A_duration_is_read(string text, long milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("+5s")]
    [InlineData("5 m")]
    [InlineData("5M")]
    [InlineData("5min")]
    [InlineData("1h30m")]
    [InlineData("1,5s")]
    [InlineData("1.2.3s")]
    [InlineData(".")]
    [InlineData("1e3")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("99999999999999999999d")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Fact]
    public void What_is_formatted_reads_back()
    {
        var random = new Random(3);
        for (var i = 0; i < 5000; i++)
        {
            var duration = TimeSpan.FromMilliseconds(random.NextInt64(1L << random.Next(1, 40)));
            Assert.True(DurationText.TryParse(DurationText.Format(duration), out var read));
            Assert.Equal(duration, read);
        }

        Assert.Equal(["0s", "1ms", "1s", "90s", "5m", "90m", "2h", "1d", "36h", "1.5s"], new[] { 0, 0.001, 1, 90, 300, 5400, 7200, 86400, 129600, 1.5 }.Select(s => DurationText.Format(TimeSpan.FromSeconds(s))));
    }

    [Theory]
    [InlineData("5m", "2024-05-06T11:55:00Z")]
    [InlineData("1d", "2024-05-05T12:00:00Z")]
    [InlineData("2024-01-01", "2024-01-01T00:00:00Z")]
    [InlineData("2024-01-01T10:00:00", "2024-01-01T10:00:00Z")]
    [InlineData("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z")]
    [InlineData("2024-01-01T10:00:00+02:00", "2024-01-01T08:00:00Z")]
    [InlineData("2024-01-01T10:00:00.123Z", "2024-01-01T10:00:00.123Z")]
    [InlineData("2024-01-01 10:00", "2024-01-01T10:00:00Z")]
    [InlineData("2024-01-01T10:00:00.123456789Z", "2024-01-01T10:00:00.1234568Z")]
    [InlineData("2024-01-01T10:00:00+02", "2024-01-01T08:00:00Z")]
    public void A_time_or_an_age_is_read(string text, string expected)
    {
        Assert.True(TimeText.TryParse(text, Now, out var time));
        Assert.Equal(DateTimeOffset.Parse(expected), time.Instant);
        Assert.Equal((text, TimeSpan.Zero), (time.ToString(), time.Instant.Offset));
    }

    [Theory]
    [InlineData("2024-02-29", "2024-02-29T23:59:59.999999Z")]
    [InlineData("2024-01-01T10:00", "2024-01-01T10:00:59.999999Z")]
    [InlineData("2024-01-01T10:00+02:00", "2024-01-01T08:00:59.999999Z")]
    [InlineData("2024-01-31T23:59:59", "2024-01-31T23:59:59.999999Z")]
    [InlineData("2024-01-31T23:59:59Z", "2024-01-31T23:59:59.999999Z")]
    [InlineData("2024-01-31T23:59:59-0500", "2024-02-01T04:59:59.999999Z")]
    [InlineData("2024-01-01T10:00:00.5Z", "2024-01-01T10:00:00.5Z")]
    [InlineData("9999-12-31", "9999-12-31T23:59:59.999999Z")]
    [InlineData("5m", "2024-05-06T11:55:00Z")]
    public void An_upper_bound_is_all_of_what_is_written(string text, string last)
    {
        Assert.True(TimeText.TryParse(text, Now, out var time));
        Assert.Equal(DateTimeOffset.Parse(last), time.Last);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("5")]
    [InlineData("2024")]
    [InlineData("2024-13-01")]
    [InlineData("2024-02-30T00:00:00Z")]
    [InlineData("-5m")]
    [InlineData("12:00")]
    [InlineData("03/04/2024")]
    [InlineData("4 March 2024")]
    [InlineData("2024-1-2T00:00:00")]
    [InlineData("2024/01/02")]
    [InlineData("2024-01-01T10:00:00 GMT")]
    public void What_is_no_time_is_refused(string text) => Assert.False(TimeText.TryParse(text, Now, out _));

    [Fact]
    public void An_age_that_reaches_back_before_all_time_is_refused_and_not_thrown() => Assert.False(TimeText.TryParse("2000000d", Now, out _));

    [Theory]
    [InlineData("--sorce", "--source")]
    [InlineData("--soruce", "--source")]
    [InlineData("--Source", "--source")]
    [InlineData("--source-typ", "--source-type")]
    [InlineData("--limt", "--limit")]
    [InlineData("full-snyc", "full-sync")]
    [InlineData("--completely-different", null)]
    [InlineData("x", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_found_where_one_is_near(string typed, string? expected) =>
        Assert.Equal(expected, NearestName.Of(typed, ["--source", "--source-type", "--sink", "--limit", "full-sync", "continuous"]));

    [Fact]
    public void Nothing_is_near_where_there_is_nothing() => Assert.Null(NearestName.Of("x", []));

    [Theory]
    [InlineData("full-sync", RunMode.FullSync)]
    [InlineData("full_sync", RunMode.FullSync)]
    [InlineData("FULL-SYNC", RunMode.FullSync)]
    [InlineData("health-check", RunMode.HealthCheck)]
    [InlineData("fullsync", null)]
    [InlineData("", null)]
    [InlineData("2", null)]
    public void A_member_is_found_by_its_name_with_dashes_or_underscores(string text, RunMode? expected) => Assert.Equal(expected, EnumText.Parse(typeof(RunMode), text));

    [Fact]
    public void Every_member_reads_back_and_other_spellings_count()
    {
        foreach (var mode in Enum.GetValues<RunMode>()) Assert.Equal(mode, EnumText.Parse(typeof(RunMode), EnumText.Kebab(mode)));
        Assert.Equal(LogVerbosity.Warning, EnumText.Parse(typeof(LogVerbosity), "WARN"));
        Assert.Equal(LogVerbosity.Error, EnumText.Parse(typeof(LogVerbosity), "critical"));
    }

    [Fact]
    public void A_secret_prints_as_stars()
    {
        var secret = new Secret("S3cr3t!%40/:?#");
        Assert.Equal(("***", "***", "S3cr3t!%40/:?#"), (secret.ToString(), $"{secret}", secret.Reveal()));
        Assert.Equal("***", OptionDefinition.Format(secret));
    }

    [Theory]
    [InlineData("http://elastic:S3cr3t!%40/:?#@localhost:9200", "http://elastic:***@localhost:9200")]
    [InlineData("elastic:secretpw9@localhost:1", "elastic:***@localhost:1")]
    [InlineData("postgres://u:abc/def-secret@localhost/db", "postgres://u:***@localhost/db")]
    [InlineData("http://a:b@c@h1,http://h2:9200, https://u:p@h3/i,j", "http://a:***@h1,http://h2:9200, https://u:***@h3/i,j")]
    [InlineData("http://h1:9200,u:p@h2:9200", "http://h1:***@h2:9200")]
    [InlineData("http://u:a,b@h1", "http://u:***@h1")]
    [InlineData("http://[::1]:9200/orders", "http://[::1]:9200/orders")]
    [InlineData("user@host:9200", "user@host:9200")]
    [InlineData("./folder", "./folder")]
    [InlineData("", "")]
    public void No_password_is_left_in_an_address_in_whatever_form_it_was_written(string address, string shown) => Assert.Equal(shown, AddressText.Hide(address));

    [Fact]
    public void What_must_not_be_shown_of_an_address_is_each_way_and_each_piece_of_its_password()
    {
        Assert.Equal(["a%2Fb", "a/b"], AddressText.PasswordsOf("http://u:a%2Fb@host"));
        Assert.Equal(["p1", "p1", "p2", "p2"], AddressText.PasswordsOf("http://u:p1@h1,http://u:p2@h2"));
        Assert.Contains("def-secret", AddressText.PasswordsOf("postgres://u:12/def-secret@localhost/db"));
        Assert.Empty(AddressText.PasswordsOf("http://localhost:9200/orders"));
    }

    [Theory]
    [InlineData(RunMode.Continuous)]
    [InlineData(RunMode.Single)]
    public void A_job_that_goes_on_from_where_it_was_has_no_end_in_time(RunMode mode)
    {
        Assert.True(TimeText.TryParse("2024-01-01T00:00:00Z", default, out var until));
        Assert.StartsWith("--until:", Assert.Single(new RunOptions { Mode = mode, Until = until }.Mistakes()), StringComparison.Ordinal);
        Assert.Empty(new RunOptions { Mode = RunMode.FullSync, Until = until }.Mistakes());
    }
}
