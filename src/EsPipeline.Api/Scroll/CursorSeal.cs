using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Scroll;

/// <summary>
/// Seals cursors: AES-256-GCM, so that a caller can neither read nor alter one. The key is made of <c>ESPIPE_API_CURSOR_KEY</c>, or at
/// random for as long as the process lives.
/// </summary>
internal sealed class CursorSeal : IDisposable
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly AesGcm _cipher;

    /// <param name="options">The secret, or none.</param>
    public CursorSeal(ApiOptions options)
    {
        var key = options.CursorKey is { } secret
            ? HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret.Reveal()), 32, info: "espipe cursor 1"u8.ToArray())
            : RandomNumberGenerator.GetBytes(32);
        _cipher = new AesGcm(key, TagBytes);
    }

    /// <summary>The text that a caller gets.</summary>
    public string Seal(Cursor cursor)
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(cursor, CursorJson.Default.Cursor);
        var text = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(text.AsSpan(0, NonceBytes));
        lock (_cipher)
        {
            _cipher.Encrypt(text.AsSpan(0, NonceBytes), plain, text.AsSpan(NonceBytes, plain.Length), text.AsSpan(^TagBytes..));
        }

        return Base64Url.EncodeToString(text);
    }

    /// <summary>Opens what <see cref="Seal"/> has made.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadCursor"/>.</exception>
    public Cursor Open(string text)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(text);
            if (bytes.Length <= NonceBytes + TagBytes || Base64Url.EncodeToString(bytes) != text) throw Bad(null);
            var plain = new byte[bytes.Length - NonceBytes - TagBytes];
            lock (_cipher)
            {
                _cipher.Decrypt(bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes, plain.Length), bytes.AsSpan(^TagBytes..), plain);
            }

            return JsonSerializer.Deserialize(plain, CursorJson.Default.Cursor) ?? throw Bad(null);
        }
        catch (Exception e) when (e is FormatException or CryptographicException or JsonException)
        {
            throw Bad(e);
        }
    }

    public void Dispose() => _cipher.Dispose();

    private static PipelineException Bad(Exception? inner) =>
        ApiErrors.BadCursor.Error("The cursor was altered, cut off, or given out before espipe was started again.", inner: inner);
}
