using System.Text.Json;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What several indices say of one field together.</summary>
public sealed class MappingSchemaTests
{
    [Theory]
    [InlineData("\"date\"", "\"date\"", "strict_date_optional_time||epoch_millis")]
    [InlineData("\"date\"", "\"date_nanos\"", "strict_date_optional_time||epoch_millis||strict_date_optional_time_nanos")]
    [InlineData("\"date\",\"format\":\"epoch_second\"", "\"date\",\"format\":\"epoch_second\"", "epoch_second")]
    [InlineData("\"date\"", "\"date\",\"format\":\"epoch_second\"", null)]
    [InlineData("\"date\",\"format\":\"epoch_millis\"", "\"date\",\"format\":\"epoch_second\"", null)]
    [InlineData("\"date\",\"format\":\"yyyy-dd-MM\"", "\"date\",\"format\":\"yyyy-MM-dd\"", null)]
    [InlineData("\"date\"", "\"long\"", null)]
    public void Formats_of_which_one_reads_the_others_times_as_other_times_are_not_put_together(string one, string two, string? format)
    {
        var schema = MappingSchema.Of(JsonSerializer.Deserialize<JsonElement>(
            $$"""{"a":{{Index(one)}},"b":{{Index(two)}},"c":{{Index(one)}} }"""));
        var field = Assert.Single(schema.Fields);
        Assert.Equal((format is null ? FieldKind.Unknown : FieldKind.Timestamp, format), (field.Kind, field.Format));

        static string Index(string type) => $$"""{"mappings":{"properties":{"at":{"type":{{type}} } } } }""";
    }
}
