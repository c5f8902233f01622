using System.Text;
using EsPipeline.Connectors.Firestore;

namespace EsPipeline.Connectors.Tests.Firestore;

public sealed class DateFormatsTests
{
    [Theory]
    [InlineData("2024", "2024-01-01T00:00:00Z")]
    [InlineData("2024-03", "2024-03-01T00:00:00Z")]
    [InlineData("2024-02-29", "2024-02-29T00:00:00Z")]
    [InlineData("2024-02-29T10", "2024-02-29T10:00:00Z")]
    [InlineData("2024-02-29T10:11", "2024-02-29T10:11:00Z")]
    [InlineData("2024-02-29T10:11:12", "2024-02-29T10:11:12Z")]
    [InlineData("2024-02-29 10:11:12", "2024-02-29T10:11:12Z")]
    [InlineData("2024-02-29T10:11:12Z", "2024-02-29T10:11:12Z")]
    [InlineData("2024-02-29T10:11:12.1Z", "2024-02-29T10:11:12.100000Z")]
    [InlineData("2024-02-29T10:11:12,123456789Z", "2024-02-29T10:11:12.123456Z")]
    [InlineData("2024-02-29T10:11:12.123+01:00", "2024-02-29T09:11:12.123000Z")]
    [InlineData("2024-02-29T10:11:12-0530", "2024-02-29T15:41:12Z")]
    [InlineData("2024-02-29T10:11:12+02", "2024-02-29T08:11:12Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z")]
    [InlineData("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z")]
    [InlineData("1700000000123", "2023-11-14T22:13:20.123000Z")]
    [InlineData("-1", "1969-12-31T23:59:59.999000Z")]
    [InlineData("1700000000123.456", "2023-11-14T22:13:20.123456Z")]
    [InlineData("0", "1970-01-01T00:00:00Z")]
    public void The_default_format_reads_as_Elasticsearch_does(string text, string expected) => Assert.Equal(expected, Read(null, text));

    [Theory]
    [InlineData("")]
    [InlineData("not a date")]
    [InlineData("2023-02-29")]
    [InlineData("2024-13-01")]
    [InlineData("2024-01-32")]
    [InlineData("2024-01-01T24:00:00Z")]
    [InlineData("2024-01-01T23:59:60Z")]
    [InlineData("2024-01-01T10:11:12.Z")]
    [InlineData("2024-01-01T10:11:12+25:00")]
    [InlineData("2024-01-01T10:11:12+01:60")]
    [InlineData("2024-01-01T10:11:12[Europe/Paris]")]
    [InlineData("2024-1-1")]
    [InlineData("02024-01-01")]
    [InlineData("0000-12-31T23:59:59Z")]
    [InlineData("0001-01-01T00:00:00+01:00")]
    [InlineData("9999-12-31T23:59:59-01:00")]
    [InlineData("10000-01-01")]
    [InlineData("253402300800000")]
    [InlineData("-62135596800001")]
    [InlineData("99999999999999999999999999")]
    [InlineData("1.7e12")]
    [InlineData("2024-01-01T10:11:12Z ")]
    public void What_is_no_time_that_Firestore_can_hold_is_left_alone(string text) => Assert.Null(Read(null, text));

    [Theory]
    [InlineData("epoch_second", "1700000000", "2023-11-14T22:13:20Z")]
    [InlineData("epoch_second", "1700000000.5", "2023-11-14T22:13:20.500000Z")]
    [InlineData("epoch_millis", "2024", "1970-01-01T00:00:02.024000Z")]
    [InlineData("epoch_second||epoch_millis", "2024", "1970-01-01T00:33:44Z")]
    [InlineData("strict_date_optional_time||epoch_second", "2024", "2024-01-01T00:00:00Z")]
    [InlineData("strict_date_optional_time||epoch_second", "1700000000", "2023-11-14T22:13:20Z")]
    [InlineData("strict_date_optional_time_nanos", "2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456Z")]
    [InlineData("basic_date", "20240229", "2024-02-29T00:00:00Z")]
    [InlineData("basic_date_time", "20240229T101112.123Z", "2024-02-29T10:11:12.123000Z")]
    [InlineData("ordinal_date", "2024-060", "2024-02-29T00:00:00Z")]
    [InlineData("yyyy-MM-dd HH:mm:ss", "2024-02-29 10:11:12", "2024-02-29T10:11:12Z")]
    [InlineData("yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", "2024/02/29", "2024-02-29T00:00:00Z")]
    [InlineData("dd/MMM/yyyy:HH:mm:ss Z", "29/Feb/2024:10:11:12 +0100", "2024-02-29T09:11:12Z")]
    [InlineData("d.M.yyyy H:mm", "9.2.2024 7:05", "2024-02-09T07:05:00Z")]
    [InlineData("uuuu-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T10:11:12.123+01:00", "2024-02-29T09:11:12.123000Z")]
    [InlineData("yyyy'o''clock'", "2024o", null)]
    [InlineData("MM/dd/yyyy", "02/30/2024", null)]
    [InlineData("epoch_millis", "2024-01-01", null)]
    [InlineData("yy-MM-dd", "24-01-01", null)]
    [InlineData("HH:mm:ss", "10:11:12", null)]
    [InlineData("yyyy-MM-dd hh:mm a", "2024-01-01 10:11 AM", null)]
    [InlineData("yyyy[-MM]", "2024-01", null)]
    [InlineData("week_date", "2024-W01-1", null)]
    [InlineData("no_such_format", "2024-01-01", null)]
    [InlineData("basic_ordinal_date||epoch_millis", "2024001", null)]
    [InlineData("basic_ordinal_date||epoch_second", "-1.5", null)]
    [InlineData("yyyyDDD'T'||yyyyMMdd", "20240101", "2024-01-01T00:00:00Z")]
    [InlineData("basic_week_date||yyyyMMdd", "20240101", null)]
    [InlineData("basic_week_date||strict_date_optional_time", "2024", null)]
    [InlineData("basic_week_date||strict_date_optional_time", "2024-02-29", "2024-02-29T00:00:00Z")]
    [InlineData("epoch_millis||basic_week_date", "2024", "1970-01-01T00:00:02.024000Z")]
    public void Mappings_name_their_formats(string format, string text, string? expected) => Assert.Equal(expected, Read(format, text));

    [Theory]
    [InlineData("2024-01-01T00:00:00.123456Z", false)]
    [InlineData("2024-01-01T00:00:00.1234567Z", true)]
    [InlineData("2024-01-01T00:00:00.1234560000Z", false)]
    [InlineData("2024-01-01T00:00:00.123456000000001Z", true)]
    [InlineData("1700000000123.4567", true)]
    [InlineData("1700000000123.4560", false)]
    public void A_time_that_loses_digits_says_so(string text, bool cut) =>
        Assert.Equal(cut, new DateFormats(null).Parse(Encoding.UTF8.GetBytes(text))!.Value.IsCut);

    private static string? Read(string? format, string text)
    {
        if (new DateFormats(format).Parse(Encoding.UTF8.GetBytes(text)) is not { } time) return null;
        var written = new byte[FirestoreTime.MaxLength];
        return Encoding.UTF8.GetString(written, 0, time.Write(written));
    }
}
