using System.Text;
using EsPipeline.Connectors.Firestore;

namespace EsPipeline.Connectors.Tests.Firestore;

[Collection(FirestoreCollectionDefinition.Name)]
public sealed class FirestoreNamesTests(FirestoreEmulator emulator)
{
    private static readonly string[] Awkward =
    [
        "", "a", "a/b", "/", "//", ".", "..", "...", ".a", "__", "___", "____", "_____", "__x__", "__x", "x__", "__id7__", "__id-7__", "__/__", "__\n__",
        "%", "%%", "%2", "%2F", "%2f", "%252F", "%25", "%5F", "%5F_x__", "%2E", "%2E.", "%2E%2E", "%00", "%2500", "%41", "100%", "50%25", "a%2Fb/c",
        "/%2F", "%/2F", "%2/F", "é", "🔑", "\u0000", "\n", "\"", "\\", "`", "a.b", "[0]", " ", "__%2F__", "%%2F", "%2%2F",
    ];

    [Theory]
    [InlineData("a/b", "a%2Fb")]
    [InlineData(".", "%2E")]
    [InlineData("..", "%2E.")]
    [InlineData("__x__", "%5F_x__")]
    [InlineData("", "%00")]
    [InlineData("%00", "%2500")]
    [InlineData("a%2Fb", "a%252Fb")]
    [InlineData("100%", "100%")]
    [InlineData("a%20b", "a%20b")]
    public void Ids_are_written_as_documented(string key, string id) => Assert.Equal(id, FirestoreNames.Encode(key, NameKind.Id));

    [Theory]
    [InlineData("a/b", "a/b")]
    [InlineData(".", ".")]
    [InlineData("__x__", "%5F_x__")]
    [InlineData("", "%00")]
    [InlineData("a%2Fb", "a%252Fb")]
    public void Field_names_are_written_as_documented(string field, string name) => Assert.Equal(name, FirestoreNames.Encode(field, NameKind.Field));

    [Fact]
    public void Any_name_comes_back()
    {
        const int Seed = 20240229;
        var random = new Random(Seed);
        string[] pieces = ["%", "2", "5", "F", "E", "0", "/", ".", "_", "__", "a", "é", "🔑", "\u0000", "%2F", "%25", "%5F", "%00"];
        foreach (var kind in Enum.GetValues<NameKind>())
        {
            foreach (var name in Awkward) Check(name, kind);
            for (var i = 0; i < 50_000; i++)
            {
                Check(string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => pieces[random.Next(pieces.Length)])), kind);
            }
        }

        static void Check(string name, NameKind kind)
        {
            var encoded = FirestoreNames.Encode(name, kind);
            Assert.True(name == FirestoreNames.Decode(encoded, kind), $"'{name}' became '{encoded}' and that '{FirestoreNames.Decode(encoded, kind)}' (seed {Seed}).");
            Assert.Equal(encoded != name, FirestoreNames.NeedsEncoding(Encoding.UTF8.GetBytes(name), kind));
            Assert.False(encoded.Length == 0 || FirestoreNames.IsReserved(Encoding.UTF8.GetBytes(encoded)));
        }
    }

    [Fact]
    public void Different_names_of_another_writer_stay_different_keys()
    {
        string[] ids = ["50%25", "%2e", "a%5Fb", "%5Fab", "%2E%2E", "x%00"];
        Assert.Equal(ids, ids.Select(i => FirestoreNames.Decode(i, NameKind.Id)));
    }

    [Fact]
    public async Task The_server_takes_every_encoded_id_and_field_name()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        await database.PutAsync(Awkward.Select(name => (FirestoreNames.Encode(name, NameKind.Id), "{}")));
        await database.PutAsync([("fields", "{" + string.Join(',', Awkward.Select(name =>
            $$"""{{System.Text.Json.JsonSerializer.Serialize(FirestoreNames.Encode(name, NameKind.Field))}}:{"nullValue":null}""")) + "}")]);
        Assert.Equal(Awkward.Length + 1, (await database.AllAsync()).Count);
        Assert.Equal(Awkward.Order(), (await database.FieldsAsync("fields"))!.Select(f => FirestoreNames.Decode(f.Key, NameKind.Field)).Order());
    }

    [Fact]
    public async Task Every_key_is_stored_under_its_id_and_can_be_deleted()
    {
        await using var database = emulator.NewDatabase();
        await using var sink = await database.OpenSinkAsync();
        string[] keys = [.. Awkward.Skip(1), new('k', 1500), string.Concat(Enumerable.Repeat("ü", 750))];
        var result = await sink.WriteAsync([.. keys.Select((k, i) => (k, (string?)$$"""{"n":{{i}}}"""))]);
        Assert.Empty(result.Failures);
        var stored = await database.AllAsync();
        Assert.Equal(keys.Order(), stored.Keys.Select(id => FirestoreNames.Decode(id, NameKind.Id)).Order());
        Assert.All(keys.Index(), k => Assert.Equal(
            $$"""{"integerValue":"{{k.Index}}"}""", stored[FirestoreNames.Encode(k.Item, NameKind.Id)]["n"]!.ToJsonString()));

        await sink.WriteAsync([.. keys.Select(k => (k, (string?)null))]);
        Assert.Empty(await database.AllAsync());
    }
}
