using System.Security.Cryptography;
using EsPipeline.Core.Errors;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Responses;
using Newtonsoft.Json;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// As whom requests are made. Tokens are kept, and renewed some minutes before they end, by Google's own library. Safe for many threads.
/// </summary>
internal sealed class FirestoreCredential : IDisposable
{
    private const string Scope = "https://www.googleapis.com/auth/datastore";

    private readonly FirestoreOptions _options;
    private readonly string? _tokenUrl;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private GoogleCredential? _credential;

    /// <param name="options">Which account; nothing is read before the first token is asked for.</param>
    /// <param name="tokenUrl">Where tokens are got, for a key or for the machine, where it is not where Google has it.</param>
    public FirestoreCredential(FirestoreOptions options, string? tokenUrl = null) => (_options, _tokenUrl) = (options, tokenUrl);

    /// <summary>A token for the Authorization header.</summary>
    /// <param name="fresh">True for another one than the last, which was not accepted.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="PipelineException">There is no usable account, or Google did not give a token.</exception>
    public async Task<string> TokenAsync(bool fresh, CancellationToken ct)
    {
        // The emulator takes this word for an administrator.
        if (_options.EmulatorHost is not null) return "owner";
        try
        {
            _credential ??= await CreateAsync(ct).ConfigureAwait(false);
            if (fresh && _credential.UnderlyingCredential is ServiceCredential service) await service.RequestAccessTokenAsync(ct).ConfigureAwait(false);
            return await _credential.UnderlyingCredential.GetAccessTokenForRequestAsync(cancellationToken: ct).ConfigureAwait(false);
        }
        catch (TokenResponseException e)
        {
            throw Refused(e);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
        {
            throw FirestoreErrors.SignIn.Error($"No token could be got for {Account}: {e.Message}", inner: e);
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException or InvalidOperationException or JsonException or IOException)
        {
            // Not the library's own words: they may quote a piece of the key.
            throw FirestoreErrors.Key.Error($"The key of {Account} can't be read: it is not a private key in PEM form.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private string Account => _options switch
    {
        { PrivateKey: not null } => $"the service account {_options.ClientEmail}",
        { CredentialsFile: { } file } => $"the credentials file {file}",
        _ => "this machine's own service account",
    };

    private async Task<GoogleCredential> CreateAsync(CancellationToken ct)
    {
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_credential is not null) return _credential;
            var credential = _options switch
            {
                { PrivateKey: { } key } => FromKey(key.Reveal()),
                { CredentialsFile: { } file } =>
                    await CredentialFactory.FromFileAsync(file, CredentialsDocument.ReadType(file), ct).ConfigureAwait(false),
                _ => await FromMachineAsync(ct).ConfigureAwait(false),
            };
            return credential.CreateScoped(Scope);
        }
        finally
        {
            _gate.Release();
        }
    }

    private GoogleCredential FromKey(string key) => CredentialFactory.FromJsonParameters<ServiceAccountCredential>(new JsonCredentialParameters
    {
        Type = JsonCredentialParameters.ServiceAccountCredentialType,
        ProjectId = _options.Project,
        ClientEmail = _options.ClientEmail,
        ClientId = _options.ClientId,
        PrivateKeyId = _options.PrivateKeyId?.Reveal(),
        TokenUri = _tokenUrl,

        // In an environment variable the line breaks are often written as backslash and n.
        PrivateKey = key.Replace("\\n", "\n", StringComparison.Ordinal).Trim().Trim('"'),
    }).ToGoogleCredential();

    private async Task<GoogleCredential> FromMachineAsync(CancellationToken ct)
    {
        if (_tokenUrl is not null) return new ComputeCredential(new ComputeCredential.Initializer(_tokenUrl)).ToGoogleCredential();
        if (await ComputeCredential.IsRunningOnComputeEngine().WaitAsync(ct).ConfigureAwait(false)) return new ComputeCredential().ToGoogleCredential();
        throw FirestoreErrors.NoCredentials.Error("Nothing is given to sign in with, and this machine has no service account of its own.");
    }

    private PipelineException Refused(TokenResponseException e)
    {
        var why = e.Error?.ErrorDescription ?? e.Error?.Error ?? e.StatusCode?.ToString() ?? "no reason";
        var status = (int?)e.StatusCode ?? 400;
        return status is >= 500 or 429
            ? FirestoreErrors.SignIn.Error($"Google's sign-in gave no token for {Account} (HTTP {status}): {why}", inner: e)
            : FirestoreErrors.Key.Error($"Google refuses {Account}: {why}", inner: e);
    }
}
