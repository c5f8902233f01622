using System.Text.Json.Nodes;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Each type of value, written through the sink and read back from the server in its own JSON.</summary>
[Collection(FirestoreCollectionDefinition.Name)]
public sealed class DocumentTypesTests(FirestoreEmulator emulator)
{
    private static readonly SourceSchema Mapping = new(
    [
        new SourceField("when", FieldKind.Timestamp, "date"),
        new SourceField("seconds", FieldKind.Timestamp, "date", "epoch_second"),
        new SourceField("nested.when", FieldKind.Timestamp, "date", "strict_date_optional_time||epoch_millis"),
        new SourceField("where", FieldKind.GeoPoint, "geo_point"),
        new SourceField("bytes", FieldKind.Binary, "binary"),
        new SourceField("exact", FieldKind.Decimal, "numeric"),
        new SourceField("area", FieldKind.Unknown, "geo_shape"),
        new SourceField("name", FieldKind.Keyword, "keyword"),
    ]);

    [Theory]
    [InlineData("0.1", false)]
    [InlineData("-12345678901234.5", false)]
    [InlineData("1.50000000000000000000000", false)]
    [InlineData("0.30000000000000004", false)]
    [InlineData("0.10000000000000001", false)]
    [InlineData("1.7976931348623157e308", false)]
    [InlineData("-2.2250738585072014E-308", false)]
    [InlineData("0.0000152587890625000000000000000", false)]
    [InlineData("9.31322574615478515625e-10", false)]
    [InlineData("12345678901234567.89", true)]
    [InlineData("5e-324", false)]
    [InlineData("1.23e-320", false)]
    [InlineData("1.23456789e-320", true)]
    [InlineData("0.1000000000000000055511151231257827", false)]
    [InlineData("3.14159265358979323846", true)]
    [InlineData("1.00000000000000001", true)]
    [InlineData("1234567890123456789e-3", true)]
    [InlineData("12345678901234568000e5", false)]
    public void A_number_whose_digits_a_double_does_not_have_is_counted(string number, bool rounded) =>
        Assert.Equal(rounded, DoubleText.Rounds(System.Text.Encoding.UTF8.GetBytes(number)));

    [Theory]
    [InlineData("0.000e5", true, true)]
    [InlineData("1e-400", false, false)]
    [InlineData("-0.00001e-320", false, false)]
    [InlineData("1.23456789e-320", true, false)]
    [InlineData("1.23e-320", true, true)]
    [InlineData("0.1", true, true)]
    [InlineData("0.1234567890123456789", true, false)]
    [InlineData("1.2345678901234567e-20", true, true)]
    [InlineData("1.23456789012345678e-20", true, false)]
    [InlineData("0.1000000000000000055511151231257827", true, false)]
    [InlineData("1e400", false, false)]
    public void A_double_holds_a_number_within_its_range_and_exactly_with_all_its_digits(string number, bool holds, bool exactly) => Assert.Equal(
        (holds, exactly),
        (DoubleText.Holds(System.Text.Encoding.UTF8.GetBytes(number), exactly: false), DoubleText.Holds(System.Text.Encoding.UTF8.GetBytes(number), exactly: true)));

    [Fact]
    public async Task A_point_with_a_coordinate_twice_is_refused_and_neither_lost()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync(Mapping);
        string[] twice = ["""{"where":{"lat":1,"lon":2,"lat":3}}""", """{"where":{"lon":1,"lat":2,"lon":3}}""", """{"where":{"type":"Point","coordinates":[1,2],"coordinates":[3,4]}}"""];
        var result = await sink.WriteAsync([.. twice.Select((d, i) => ($"d{i}", (string?)d))]);
        Assert.Equal([FirestoreErrors.NameTwice, FirestoreErrors.NameTwice, FirestoreErrors.NameTwice], result.Failures.Select(f => f.Error));
    }

    [Fact]
    public void And_one_of_more_digits_than_any_double_too() =>
        Assert.True(DoubleText.Rounds(System.Text.Encoding.UTF8.GetBytes("0." + new string('3', 5000))));

    [Theory]
    [InlineData("null", """{"nullValue":null}""")]
    [InlineData("true", """{"booleanValue":true}""")]
    [InlineData("false", """{"booleanValue":false}""")]
    [InlineData("\"\"", """{"stringValue":""}""")]
    [InlineData("\"a\"", """{"stringValue":"a"}""")]
    [InlineData("\"\\u00e9\\n\\\"\\/\\u0000\\ud83d\\ude00\"", """{"stringValue":"é\n\"/\u0000😀"}""")]
    [InlineData("\"x\\ud800y\\udc00\"", """{"stringValue":"x\ufffdy\ufffd"}""")]
    [InlineData("0", """{"integerValue":"0"}""")]
    [InlineData("-0", """{"integerValue":"0"}""")]
    [InlineData("9007199254740993", """{"integerValue":"9007199254740993"}""")]
    [InlineData("9223372036854775807", """{"integerValue":"9223372036854775807"}""")]
    [InlineData("-9223372036854775808", """{"integerValue":"-9223372036854775808"}""")]
    [InlineData("9223372036854775808", """{"stringValue":"9223372036854775808"}""")]
    [InlineData("123456789012345678901234567890", """{"stringValue":"123456789012345678901234567890"}""")]
    [InlineData("1.0", """{"doubleValue":1.0}""")]
    [InlineData("1e3", """{"doubleValue":1000.0}""")]
    [InlineData("0.1", """{"doubleValue":0.1}""")]
    [InlineData("-2.5E-7", """{"doubleValue":-2.5e-7}""")]
    [InlineData("1.7976931348623157e308", """{"doubleValue":1.7976931348623157e308}""")]
    [InlineData("5e-324", """{"doubleValue":4.9E-324}""")]
    [InlineData("1e400", """{"stringValue":"1e400"}""")]
    [InlineData("0.1000000000000000055511151231257827", """{"doubleValue":0.1}""")]
    [InlineData("{}", """{"mapValue":{}}""")]
    [InlineData("[]", """{"arrayValue":{}}""")]
    [InlineData("""{"a":{"b":[1]}}""", """{"mapValue":{"fields":{"a":{"mapValue":{"fields":{"b":{"arrayValue":{"values":[{"integerValue":"1"}]}}}}}}}}""")]
    [InlineData("""[1,"a",null,{"x":true}]""", """{"arrayValue":{"values":[{"integerValue":"1"},{"stringValue":"a"},{"nullValue":null},{"mapValue":{"fields":{"x":{"booleanValue":true}}}}]}}""")]
    [InlineData("[[],1,[2,[3,[]]],[[4]],5]", """{"arrayValue":{"values":[{"integerValue":"1"},{"integerValue":"2"},{"integerValue":"3"},{"integerValue":"4"},{"integerValue":"5"}]}}""")]
    [InlineData("[[]]", """{"arrayValue":{}}""")]
    [InlineData("\"2024-01-01T00:00:00Z\"", """{"stringValue":"2024-01-01T00:00:00Z"}""")]
    public Task Without_a_mapping_the_JSON_value_decides(string json, string stored) => ReadsBackAsync(SourceSchema.Unknown, "v", json, stored);

    [Theory]
    [InlineData("when", "\"2024-02-29T10:11:12.123+01:00\"", """{"timestampValue":"2024-02-29T09:11:12.123Z"}""")]
    [InlineData("when", "\"2024-02-29\"", """{"timestampValue":"2024-02-29T00:00:00Z"}""")]
    [InlineData("when", "1700000000123", """{"timestampValue":"2023-11-14T22:13:20.123Z"}""")]
    [InlineData("when", "\"2024-01-01T00:00:00.123456789Z\"", """{"timestampValue":"2024-01-01T00:00:00.123456Z"}""")]
    [InlineData("when", "\"0001-01-01T00:00:00Z\"", """{"timestampValue":"0001-01-01T00:00:00Z"}""")]
    [InlineData("when", "\"9999-12-31T23:59:59.999999Z\"", """{"timestampValue":"9999-12-31T23:59:59.999999Z"}""")]
    [InlineData("when", "\"soon\"", """{"stringValue":"soon"}""")]
    [InlineData("when", "\"\"", """{"stringValue":""}""")]
    [InlineData("when", "253402300800000", """{"integerValue":"253402300800000"}""")]
    [InlineData("when", "1.5e12", """{"doubleValue":1.5e12}""")]
    [InlineData("when", "null", """{"nullValue":null}""")]
    [InlineData("when", "[\"2024\",1,\"x\"]", """{"arrayValue":{"values":[{"timestampValue":"2024-01-01T00:00:00Z"},{"timestampValue":"1970-01-01T00:00:00.001Z"},{"stringValue":"x"}]}}""")]
    [InlineData("seconds", "1700000000", """{"timestampValue":"2023-11-14T22:13:20Z"}""")]
    [InlineData("nested", """{"when":"2024"}""", """{"mapValue":{"fields":{"when":{"timestampValue":"2024-01-01T00:00:00Z"}}}}""")]
    [InlineData("nested", """[{"when":"2024"},{"when":null}]""", """{"arrayValue":{"values":[{"mapValue":{"fields":{"when":{"timestampValue":"2024-01-01T00:00:00Z"}}}},{"mapValue":{"fields":{"when":{"nullValue":null}}}}]}}""")]
    [InlineData("nested.when", "\"2024\"", """{"timestampValue":"2024-01-01T00:00:00Z"}""")]
    [InlineData("where", """{"lat":41.12,"lon":-71.34}""", """{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""")]
    [InlineData("where", """{"lon":"-71.34","lat":"41.12"}""", """{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""")]
    [InlineData("where", """{"\ud800":1,"lat":2}""", """{"mapValue":{"fields":{"\ufffd":{"integerValue":"1"},"lat":{"integerValue":"2"}}}}""")]
    [InlineData("where", """{"type":"\ud800","lat":2}""", """{"mapValue":{"fields":{"type":{"stringValue":"\ufffd"},"lat":{"integerValue":"2"}}}}""")]
    [InlineData("where", "\"41.12,-71.34\"", """{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""")]
    [InlineData("where", "\"41.12, -71.34\"", """{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""")]
    [InlineData("where", "[-71.34,41.12]", """{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""")]
    [InlineData("where", """{"type":"Point","coordinates":[-71.34,41.12]}""", """{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""")]
    [InlineData("where", "\"POINT (-71.34 41.12)\"", """{"geoPointValue":{"latitude":41.12,"longitude":-71.34}}""")]
    [InlineData("where", "[90,90]", """{"geoPointValue":{"latitude":90.0,"longitude":90.0}}""")]
    [InlineData("where", "\"drm3btev3e86\"", """{"stringValue":"drm3btev3e86"}""")]
    [InlineData("where", """{"lat":91,"lon":0}""", """{"mapValue":{"fields":{"lat":{"integerValue":"91"},"lon":{"integerValue":"0"}}}}""")]
    [InlineData("where", """{"lat":1,"lon":2,"name":"x"}""", """{"mapValue":{"fields":{"lat":{"integerValue":"1"},"lon":{"integerValue":"2"},"name":{"stringValue":"x"}}}}""")]
    [InlineData("where", "[1,2,3]", """{"arrayValue":{"values":[{"integerValue":"1"},{"integerValue":"2"},{"integerValue":"3"}]}}""")]
    [InlineData("where", """[[1,2],"3,4",{"lat":5,"lon":6}]""", """{"arrayValue":{"values":[{"geoPointValue":{"latitude":2.0,"longitude":1.0}},{"geoPointValue":{"latitude":3.0,"longitude":4.0}},{"geoPointValue":{"latitude":5.0,"longitude":6.0}}]}}""")]
    [InlineData("bytes", "\"AQID\"", """{"bytesValue":"AQID"}""")]
    [InlineData("bytes", "\"+\\/+/\"", """{"bytesValue":"+/+/"}""")]
    [InlineData("bytes", "\"\"", """{"bytesValue":""}""")]
    [InlineData("bytes", "\"AQ=\"", """{"stringValue":"AQ="}""")]
    [InlineData("bytes", "\"A Q==\"", """{"stringValue":"A Q=="}""")]
    [InlineData("exact", "12.34", """{"doubleValue":12.34}""")]
    [InlineData("exact", "0.12345678901234567890", """{"stringValue":"0.12345678901234567890"}""")]
    [InlineData("exact", "12345678.90000000000000000000", """{"doubleValue":12345678.9}""")]
    [InlineData("area", """{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[0,0]]]}""", """{"stringValue":"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[0,1],[0,0]]]}"}""")]
    [InlineData("area", "\"POLYGON ((0 0, 1 1, 0 1, 0 0))\"", """{"stringValue":"POLYGON ((0 0, 1 1, 0 1, 0 0))"}""")]
    [InlineData("name", "5", """{"integerValue":"5"}""")]
    public Task With_a_mapping_its_types_decide(string field, string json, string stored) => ReadsBackAsync(Mapping, field, json, stored);

    [Fact]
    public async Task What_is_held_in_another_form_is_counted_and_told_once()
    {
        await using var database = emulator.NewDatabase();
        var log = new LogLines();
        await using (var sink = await database.OpenSinkAsync(Mapping, log))
        {
            await sink.WriteAsync(
                ("a", """{"v":[[1],[2]],"n":18446744073709551615,"when":"soon","where":"x","bytes":"?","s":"\ud800"}"""),
                ("b", """{"n":1e400,"r":12345678901234567.89,"when":"2024-01-01T00:00:00.0000001Z","area":{}}"""));
            await sink.CompleteAsync(TestContext.Current.CancellationToken);
        }

        var line = Assert.Single(log.Lines);
        string[] told =
        [
            "2 numbers beyond 64 bits as text", "1 numbers of more digits than a double holds", "1 values of date fields that are no time", "1 times cut to microseconds", "1 values of geo_point fields",
            "1 values of binary fields", "2 arrays within arrays", "1 shapes as the text", "1 texts with half a surrogate pair",
        ];
        Assert.All(told, t => Assert.Contains(t, line, StringComparison.Ordinal));
    }

    private async Task ReadsBackAsync(SourceSchema schema, string field, string json, string stored)
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync(schema);
        await sink.WriteOneAsync("doc", $$"""{"{{field}}":{{json}}}""");
        var fields = await database.FieldsAsync("doc");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(stored), fields![field]), $"{fields.ToJsonString()} instead of {stored}");
    }
}
