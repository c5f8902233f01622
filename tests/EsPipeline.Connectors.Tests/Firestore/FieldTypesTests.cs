using System.Text;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Firestore;

public sealed class FieldTypesTests
{
    [Fact]
    public async Task A_name_with_many_dots_is_found_in_as_many_steps()
    {
        var path = string.Join('.', Enumerable.Repeat("a", 41));
        var types = FieldTypes.Of(new SourceSchema([new("b", FieldKind.Timestamp, "date"), new(path, FieldKind.GeoPoint, "geo_point"), new(path + ".x", FieldKind.Binary, "binary")]))!;
        string[] names = [path, path + "." + path, path + ".b", path + "..", "." + path, "b", "", "."];
        var forms = await Task.Run(() => names.Select(n => types.Find(Encoding.UTF8.GetBytes(n))?.Form).ToArray(), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal([FieldForm.GeoPoint, null, null, null, null, FieldForm.Timestamp, null, null], forms);
        Assert.Equal(FieldForm.Bytes, types.Find("a"u8)!.Find(Encoding.UTF8.GetBytes(path[2..] + ".x"))!.Form);
    }
}
