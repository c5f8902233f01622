using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Tests.Postgres;

public sealed class PositionTests
{
    [Theory]
    [InlineData("pg1:blocks:16385:16390:64:128:70.3:4294967300:-:25000000")]
    [InlineData("pg1:blocks:16385:16385:0:-:end:731:1700000000000000:-")]
    [InlineData("pg1:age:731:-:25000000")]
    [InlineData("pg1:key:=a%2Cb")]
    [InlineData("pg1:key:-")]
    [InlineData("pg1:key:end")]
    [InlineData("pg1:time:1700000000000000")]
    [InlineData("pg1:log:25000000:3:24000000")]
    [InlineData("pg1:log:25000000:end:25000056")]
    [InlineData("pg1:log:25000000:end:25000056:2")]
    [InlineData("pg1:age:731:-:25000000.2")]
    [InlineData("pg1:division:4294967295")]
    [InlineData("pg1:division:1:16385.3.4294950000")]
    [InlineData("pg1:columns:4294967295")]
    public void Every_recorded_form_is_read_and_saved_again_the_same(string text) =>
        Assert.Equal(text, PostgresPosition.Parse(new Position(text)).ToPosition().Value);
}
