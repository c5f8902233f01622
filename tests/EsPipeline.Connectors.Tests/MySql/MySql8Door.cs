using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>How far a client gets with <c>caching_sha2_password</c>.</summary>
internal enum Sha2Way
{
    /// <summary>The server remembers the account: the scrambled password is enough.</summary>
    Remembered,

    /// <summary>The server does not remember it, and wants the password itself: over TLS as it is, else encrypted with the server's key.</summary>
    Full,
}

/// <summary>
/// The door of a MySQL 8 server, which MariaDB has none of: it signs clients in with <c>caching_sha2_password</c>, MySQL's default, and refuses
/// the first statement as a server does for a missing right. By the protocol's description
/// (https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html).
/// </summary>
/// <param name="password">The account's password.</param>
/// <param name="way">Whether the account is remembered.</param>
/// <param name="certificate">The certificate, for a server with TLS.</param>
internal sealed class MySql8Door(string password, Sha2Way way, X509Certificate2? certificate = null) : IDisposable
{
    private const int TlsFlag = 0x0800;
    private const int FixedBytes = 32;
    private static readonly byte[] Nonce = [.. "abcdefghijklmnopqrst"u8];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    // Made beforehand: nobody waits for it then.
    private readonly RSA _key = NewKey();
    private Stream _stream = Stream.Null;
    private byte _sequence;

    /// <summary>Where it listens, once it was started.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Begins to listen.</summary>
    /// <returns>What one client went through, in order.</returns>
    public Task<List<string>> OpenAsync()
    {
        _listener.Start();
        return ServeAsync();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _key.Dispose();
    }

    // The numbers of a key are drawn when they are first asked for.
    private static RSA NewKey()
    {
        var key = RSA.Create(2048);
        key.ExportParameters(includePrivateParameters: false);
        return key;
    }

    private async Task<List<string>> ServeAsync()
    {
        using var client = await _listener.AcceptTcpClientAsync();
        _stream = client.GetStream();
        var steps = new List<string>();
        await SendAsync(Greeting());
        var answer = await ReceiveAsync();
        if (certificate is not null && answer.Length == FixedBytes)
        {
            var tls = new SslStream(_stream);
            await tls.AuthenticateAsServerAsync(certificate);
            _stream = tls;
            steps.Add("TLS");
            answer = await ReceiveAsync();
        }

        steps.Add(Scramble(answer).SequenceEqual(ScrambleOf(password)) ? "scrambled password" : "wrong scramble");
        if (way == Sha2Way.Remembered)
        {
            await SendAsync([1, 3]);
        }
        else
        {
            await SendAsync([1, 4]);
            steps.Add(await ReceivePasswordAsync(steps) == password ? "password" : "wrong password");
        }

        await SendAsync([0, 0, 0, 2, 0, 0, 0]);
        steps.Add(Encoding.UTF8.GetString((await ReceiveAsync()).AsSpan(1)));
        await SendAsync([0xFF, 1227 & 0xFF, 1227 >> 8, .. "#42000Not in this test"u8]);
        return steps;
    }

    private async Task<string> ReceivePasswordAsync(List<string> steps)
    {
        var asked = await ReceiveAsync();
        if (asked is not [2]) return Encoding.UTF8.GetString(asked).TrimEnd('\0');
        steps.Add("asked for the key");
        await SendAsync([1, .. Encoding.ASCII.GetBytes(_key.ExportSubjectPublicKeyInfoPem())]);
        var plain = _key.Decrypt(await ReceiveAsync(), RSAEncryptionPadding.OaepSHA1);
        for (var i = 0; i < plain.Length; i++) plain[i] ^= Nonce[i % Nonce.Length];
        return Encoding.UTF8.GetString(plain).TrimEnd('\0');
    }

    // Protocol 10: version, connection, half of the nonce, capabilities (PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH among them), its other half, method.
    private byte[] Greeting() =>
    [
        10, .. "8.0.36\0"u8, 1, 0, 0, 0, .. Nonce[..8], 0, 0xFF, (byte)(0xF7 | (certificate is null ? 0 : TlsFlag >> 8)), 255, 2, 0, 0x0F, 0, 21, .. new byte[10],
        .. Nonce[8..], 0, .. "caching_sha2_password\0"u8,
    ];

    // The name behind the fixed part, then the scramble with its length.
    private static byte[] Scramble(byte[] answer)
    {
        var rest = answer.AsSpan(FixedBytes);
        rest = rest[(rest.IndexOf((byte)0) + 1)..];
        return rest.Slice(1, rest[0]).ToArray();
    }

    private static byte[] ScrambleOf(string password)
    {
        var once = SHA256.HashData(Encoding.UTF8.GetBytes(password));
        var mask = SHA256.HashData([.. SHA256.HashData(once), .. Nonce]);
        return [.. once.Zip(mask, (a, b) => (byte)(a ^ b))];
    }

    private async Task SendAsync(byte[] payload)
    {
        await _stream.WriteAsync((byte[])[(byte)payload.Length, (byte)(payload.Length >> 8), 0, _sequence++, .. payload]);
        await _stream.FlushAsync();
    }

    private async Task<byte[]> ReceiveAsync()
    {
        var header = new byte[4];
        await _stream.ReadExactlyAsync(header);
        _sequence = (byte)(header[3] + 1);
        var payload = new byte[header[0] | (header[1] << 8) | (header[2] << 16)];
        await _stream.ReadExactlyAsync(payload);
        return payload;
    }
}
