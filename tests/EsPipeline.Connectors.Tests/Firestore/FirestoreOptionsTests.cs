using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.Firestore;

public sealed class FirestoreOptionsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("espipe-options-").FullName;

    private static FirestoreSinkOptions Good => new() { Project = "my-project-1", Collection = "users", EmulatorHost = "localhost:8085" };

    [Theory]
    [InlineData("my-project-1", "(default)", "users", "localhost:8085")]
    [InlineData("example.com:old-project", "(default)", "users", "localhost:8085")]
    [InlineData("p", "other-database", "a/b/c", "[::1]:8085")]
    [InlineData("p", "(default)", "Größen & Maße.ü/doc id %/__", "10.0.0.1:80")]
    public void Good_names_are_taken(string project, string database, string collection, string emulator)
    {
        var options = new FirestoreOptions { Project = project, Database = database, Collection = collection, EmulatorHost = emulator };
        Assert.Empty(options.Mistakes());
    }

    [Theory]
    [InlineData(null, null, true, true)]
    [InlineData(FirestoreValues.Json, null, false, false)]
    [InlineData(null, FirestoreValues.Json, false, false)]
    [InlineData(FirestoreValues.Typed, FirestoreValues.Typed, true, true)]
    [InlineData(FirestoreValues.Typed, FirestoreValues.Json, true, false)]
    public void Two_ends_in_Firestore_agree_on_their_values_and_lose_nothing_by_default(FirestoreValues? source, FirestoreValues? sink, bool sourceIsTyped, bool sinkIsTyped)
    {
        var (from, to) = (new FirestoreOptions { Values = source }, new FirestoreSinkOptions { Values = sink });
        Assert.False(from.IsTyped && source is null);
        Assert.Equal(sourceIsTyped != sinkIsTyped, FirestoreOptions.Join(from, to, reshapes: false) is not null);
        Assert.Equal((sourceIsTyped, sinkIsTyped), (from.IsTyped, to.IsTyped));
    }

    [Fact]
    public void Rules_that_go_into_fields_mean_plain_documents()
    {
        var (from, to) = (new FirestoreOptions(), new FirestoreSinkOptions());
        Assert.Null(FirestoreOptions.Join(from, to, reshapes: true));
        Assert.Equal((false, false), (from.IsTyped, to.IsTyped));
    }

    [Theory]
    [InlineData("")]
    [InlineData("My-Project")]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("p?x=1")]
    [InlineData("p\n")]
    [InlineData("1p")]
    public void A_project_that_is_none_is_a_mistake(string project) => IsMistake(Good with { Project = project }, "--firestore-project", project);

    [Theory]
    [InlineData("(other)")]
    [InlineData("ab")]
    [InlineData("a/../b")]
    [InlineData("Upper-case")]
    public void A_database_that_is_none_is_a_mistake(string database) => IsMistake(Good with { Database = database }, "--firestore-database", database);

    [Theory]
    [InlineData("", "give the collection")]
    [InlineData("a/b", "odd number")]
    [InlineData("/a/b", "empty part")]
    [InlineData("a//b", "empty part")]
    [InlineData("..", "keeps for itself")]
    [InlineData("a/./b", "keeps for itself")]
    [InlineData("__users__", "keeps for itself")]
    [InlineData("a\nb", "control characters")]
    public void A_collection_that_is_none_is_a_mistake(string collection, string why) =>
        IsMistake(Good with { Collection = collection }, "--firestore-collection", why);

    [Fact]
    public void Names_are_as_long_as_Firestore_takes_them()
    {
        Assert.Empty((Good with { Collection = new string('c', 1500) }).Mistakes());
        IsMistake(Good with { Collection = new string('c', 1501) }, "--firestore-collection", "more than 1500 bytes");
        IsMistake(Good with { Collection = string.Join('/', Enumerable.Repeat(new string('c', 1400), 5)) }, "--firestore-collection", "too long");
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("http://localhost:8085")]
    [InlineData("localhost:8085/path")]
    [InlineData("user:pass@localhost:8085")]
    [InlineData("localhost:99999")]
    [InlineData("a b:80")]
    public void An_emulator_is_given_as_host_and_port(string host)
    {
        // Without a port it would be HTTP's own.
        if (host == "localhost") Assert.Empty((Good with { EmulatorHost = host }).Mistakes());
        else IsMistake(Good with { EmulatorHost = host }, "FIRESTORE_EMULATOR_HOST", "host:port");
    }

    [Fact]
    public void A_key_and_its_account_belong_together()
    {
        var service = Good with { EmulatorHost = null };
        Assert.Empty(service.Mistakes());
        IsMistake(service with { PrivateKey = new Secret("S3cr3t!%40/:?#") }, "FIREBASE_CLIENT_EMAIL", "account");
        IsMistake(service with { ClientEmail = "a@b" }, "FIREBASE_PRIVATE_KEY", "without its key");
        Assert.Empty((service with { ClientEmail = "a@b", PrivateKey = new Secret("x") }).Mistakes());
        Assert.DoesNotContain("S3cr3t", (service with { PrivateKey = new Secret("S3cr3t!%40/:?#") }).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_project_may_come_from_the_credentials_file()
    {
        var path = Path.Combine(_folder, "key.json");
        File.WriteAllText(path, """{"type":"service_account","project_id":"from-file"}""");
        var options = new FirestoreOptions { Collection = "c", CredentialsFile = path };
        Assert.Empty(options.Mistakes());
        Assert.Equal("from-file", options.ProjectId);
        IsMistake(options with { CredentialsFile = path + "x" }, "--firestore-project", "names no readable file");
        IsMistake(new FirestoreOptions { Collection = "c" }, "--firestore-project", "give the project");
    }

    [Fact]
    public void The_rate_begins_below_its_most() => IsMistake(Good with { Rate = 600, MaxRate = 500 }, "--firestore-rate", "above --firestore-max-rate");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void IsMistake(FirestoreOptions options, string name, string why)
    {
        var mistake = Assert.Single(options.Mistakes());
        Assert.StartsWith(name + ":", mistake, StringComparison.Ordinal);
        Assert.Contains(why, mistake, StringComparison.Ordinal);
        Assert.DoesNotContain("S3cr3t", mistake, StringComparison.Ordinal);
    }
}
