using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Signing in, with servers that play Google's token endpoint and Firestore.</summary>
public sealed class FirestoreSignInTests : IDisposable
{
    private const string Account = "copier@test-project.iam.gserviceaccount.com";

    private readonly string _folder = Directory.CreateTempSubdirectory("espipe-sign-in-").FullName;
    private readonly string _pem;

    public FirestoreSignInTests()
    {
        using var key = RSA.Create(2048);
        _pem = key.ExportPkcs8PrivateKeyPem();
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_credentials_file_signs_in_where_it_says()
    {
        await using var tokens = new FakeServer(_ => Token("first", 3600));
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        var options = new FirestoreSinkOptions { Collection = "c", CredentialsFile = WriteFile($"http://{tokens.Host}/token") };
        await using var sink = Open(options, firestore);
        await sink.WriteOneAsync("a", "{}");
        await sink.WriteOneAsync("b", "{}");

        Assert.Equal("test-project", options.ProjectId);
        Assert.All(firestore.Requests, r => Assert.Contains("authorization: bearer first", r.Headers, StringComparison.OrdinalIgnoreCase));
        Assert.All(firestore.Requests, r => Assert.Equal("/v1/projects/test-project/databases/%28default%29/documents:batchWrite", r.Path));
        var claims = Claims(Assert.Single(tokens.Requests));
        Assert.Equal((Account, "https://www.googleapis.com/auth/datastore"), (claims.GetProperty("iss").GetString(), claims.GetProperty("scope").GetString()));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\\n")]
    public async Task A_key_in_the_environment_may_have_its_line_breaks_escaped(string lineBreak)
    {
        await using var tokens = new FakeServer(_ => Token("t", 3600));
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        var options = WithKey(_pem.ReplaceLineEndings(lineBreak));
        await using var sink = Open(options, firestore, $"http://{tokens.Host}/token");
        await sink.WriteOneAsync("a", "{}");
        Assert.Equal(Account, Claims(Assert.Single(tokens.Requests)).GetProperty("iss").GetString());
    }

    [Fact]
    public async Task A_token_with_two_minutes_left_is_still_used_while_another_is_fetched()
    {
        // The second token is held back until everything is written; a third is asked for where the second has two minutes, too.
        var (count, renewed, written) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        await using var tokens = new FakeServer(async _ =>
        {
            var asked = Interlocked.Increment(ref count);
            if (asked > 1)
            {
                renewed.TrySetResult();
                await written.Task;
            }

            return Token($"t{asked}", 120);
        });
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        await using var sink = Open(WithKey(_pem), firestore, $"http://{tokens.Host}/token");
        try
        {
            await sink.WriteOneAsync("a", "{}");
            await sink.WriteOneAsync("b", "{}");
            await renewed.Task.WaitAsync(TimeSpan.FromMinutes(1), Ct);
        }
        finally
        {
            written.SetResult();
        }

        Assert.All(firestore.Requests, r => Assert.Contains("bearer t1", r.Headers, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_token_that_has_ended_is_not_used()
    {
        var count = 0;
        await using var tokens = new FakeServer(_ => Token($"t{Interlocked.Increment(ref count)}", 1));
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        await using var sink = Open(WithKey(_pem), firestore, $"http://{tokens.Host}/token");
        await sink.WriteOneAsync("a", "{}");
        await sink.WriteOneAsync("b", "{}");
        Assert.DoesNotContain("bearer t1", firestore.Requests[1].Headers, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_token_that_was_taken_back_is_replaced_once()
    {
        var count = 0;
        await using var tokens = new FakeServer(_ => Token($"t{Interlocked.Increment(ref count)}", 3600));
        await using var firestore = new FakeServer(request => request.Headers.Contains("t2", StringComparison.Ordinal)
            ? FirestoreFaultTests.Fine(request)
            : new FakeAnswer(401, FirestoreFaultTests.Error("UNAUTHENTICATED", "Request had invalid authentication credentials.")));
        await using var sink = Open(WithKey(_pem), firestore, $"http://{tokens.Host}/token");
        await sink.WriteOneAsync("a", "{}");
        Assert.Equal(["{}", "{}"], firestore.Requests.Select(r => r.Body.Contains("\"fields\":{}", StringComparison.Ordinal) ? "{}" : r.Body));
        Assert.Equal(2, tokens.Requests.Count);
    }

    [Fact]
    public async Task A_token_that_is_never_accepted_stops_the_run()
    {
        await using var tokens = new FakeServer(_ => Token("t", 3600));
        await using var firestore = new FakeServer(_ => new FakeAnswer(401, FirestoreFaultTests.Error("UNAUTHENTICATED", "no")));
        await using var sink = Open(WithKey(_pem), firestore, $"http://{tokens.Host}/token");
        var health = await sink.CheckAsync(Ct);
        Assert.Equal((FirestoreErrors.Unauthenticated, FailureKind.Environment), (health.Problem?.Error, health.Problem?.Kind));
        Assert.Equal(2, firestore.Requests.Count);
    }

    [Fact]
    public async Task The_machines_own_account_is_used_where_nothing_is_given()
    {
        await using var metadata = new FakeServer(_ => Token("machine", 3600));
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        await using var sink = Open(new FirestoreSinkOptions { Project = "p", Collection = "c" }, firestore, $"http://{metadata.Host}/token");
        await sink.WriteOneAsync("a", "{}");
        Assert.Contains("metadata-flavor: google", Assert.Single(metadata.Requests).Headers, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("bearer machine", Assert.Single(firestore.Requests).Headers, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Without_an_account_the_check_says_what_to_set()
    {
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        await using var sink = Open(new FirestoreSinkOptions { Project = "p", Collection = "c" }, firestore);
        var problem = (await sink.CheckAsync(Ct)).Problem;
        Assert.Equal(FirestoreErrors.NoCredentials, problem?.Error);
        Assert.Contains("GOOGLE_APPLICATION_CREDENTIALS", problem!.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, """{"error":"invalid_grant","error_description":"Invalid JWT Signature."}""", "firestore.key", FailureKind.Environment, "Invalid JWT Signature.")]
    [InlineData(401, """{"error":"unauthorized_client"}""", "firestore.key", FailureKind.Environment, "unauthorized_client")]
    [InlineData(500, "oops", "firestore.sign_in", FailureKind.Transient, "500")]
    [InlineData(0, "", "firestore.sign_in", FailureKind.Transient, "")]
    public async Task What_the_token_endpoint_says_is_told(int status, string body, string code, FailureKind kind, string words)
    {
        await using var tokens = new FakeServer(_ => new FakeAnswer(status, body));
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        await using var sink = Open(WithKey(_pem), firestore, $"http://{tokens.Host}/token");
        var problem = (await sink.CheckAsync(Ct)).Problem;
        Assert.Equal((code, kind), (problem?.Code, problem?.Kind));
        Assert.Contains(words, problem!.Message, StringComparison.Ordinal);
        Assert.Contains(Account, problem.Message, StringComparison.Ordinal);
        Assert.Empty(firestore.Requests);
    }

    [Fact]
    public async Task No_message_holds_a_secret()
    {
        const string Secret = "S3cr3t!%40/:?#";
        await using var firestore = new FakeServer(FirestoreFaultTests.Fine);
        var broken = _pem.Insert(100, Secret);
        string[] keys = [Secret, $"-----BEGIN PRIVATE KEY-----\n{Secret}\n-----END PRIVATE KEY-----\n", broken, broken.ReplaceLineEndings("\\n")];
        foreach (var key in keys)
        {
            await IsKeptAsync(WithKey(key) with { PrivateKeyId = new Secret(Secret) });
        }

        string[] files = [Secret, "{", $$"""{"type":"service_account","private_key":"{{Secret}}"}""", $$"""{"type":"executable","private_key":"{{Secret}}"}""", "[]", $$"""{"type":"service_account","client_email":"a","token_uri":"{{Secret}}","private_key":"{{Secret}}"}"""];
        foreach (var file in files)
        {
            var path = Path.Combine(_folder, "broken.json");
            await File.WriteAllTextAsync(path, file, Ct);
            await IsKeptAsync(new FirestoreSinkOptions { Project = "p", Collection = "c", CredentialsFile = path });
        }

        await IsKeptAsync(new FirestoreSinkOptions { Project = "p", Collection = "c", CredentialsFile = Path.Combine(_folder, "missing.json") });

        async Task IsKeptAsync(FirestoreSinkOptions options)
        {
            await using var sink = Open(options, firestore, "http://127.0.0.1:1/token");
            var problem = (await sink.CheckAsync(Ct)).Problem;
            Assert.Equal(FirestoreErrors.Key, problem?.Error);
            for (Exception? e = problem; e is not null; e = e.InnerException) Assert.DoesNotContain("S3cr3t", e.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain("S3cr3t", problem!.Remedy + options, StringComparison.Ordinal);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static FirestoreSink Open(FirestoreSinkOptions options, FakeServer firestore, string? tokenUrl = null) => new(
        options,
        TimeProvider.System,
        NullLogger.Instance,
        new FirestoreClient(options, TimeProvider.System, new Uri($"http://{firestore.Host}/"), new FirestoreCredential(options, tokenUrl)));

    private static FakeAnswer Token(string token, int seconds) =>
        new(200, $$"""{"access_token":"{{token}}","expires_in":{{seconds}},"token_type":"Bearer"}""");

    private static JsonElement Claims(FakeRequest request)
    {
        var assertion = request.Body.Split('&').Select(p => p.Split('=')).Single(p => p[0] == "assertion")[1];
        var payload = assertion.Split('.')[1].Replace('-', '+').Replace('_', '/');
        return JsonDocument.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(payload.PadRight((payload.Length + 3) / 4 * 4, '=')))).RootElement;
    }

    private static FirestoreSinkOptions WithKey(string key) =>
        new() { Project = "test-project", Collection = "c", ClientEmail = Account, PrivateKey = new Secret(key), ClientId = "123" };

    private string WriteFile(string tokenUri)
    {
        var path = Path.Combine(_folder, "key.json");
        File.WriteAllText(path, JsonSerializer.Serialize(new Dictionary<string, string>
        {
            ["type"] = "service_account",
            ["project_id"] = "test-project",
            ["private_key_id"] = "1",
            ["private_key"] = _pem,
            ["client_email"] = Account,
            ["client_id"] = "123",
            ["token_uri"] = tokenUri,
        }));
        return path;
    }
}
