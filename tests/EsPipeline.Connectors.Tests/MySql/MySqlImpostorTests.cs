using System.Net;
using System.Net.Sockets;
using System.Text;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>A server that lets anyone in and answers the first query by asking for a file of the client's machine.</summary>
public sealed class MySqlImpostorTests
{
    [Fact]
    public async Task A_server_that_asks_for_a_local_file_gets_nothing()
    {
        using var secret = new Conformance.TemporaryFolder();
        await File.WriteAllTextAsync(secret.File("secret"), "the secret of this machine", TestContext.Current.CancellationToken);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var impostor = AnswerAsync(listener, secret.File("secret"));
        var options = new MySqlSourceOptions { Port = ((IPEndPoint)listener.LocalEndpoint).Port, User = "u", Database = "d", Table = "t" };
        await using var source = new MySqlSource(options, new RunOptions(), TimeProvider.System, NullLogger<MySqlSource>.Instance);
        var problem = (await source.CheckAsync(TestContext.Current.CancellationToken)).Problem;
        Assert.True(problem?.Error == MySqlErrors.AskedForFile, problem?.ToString());
        await source.DisposeAsync();
        Assert.DoesNotContain("secret of this machine", await impostor.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    // Everything that the client has sent after it was asked.
    private static async Task<string> AnswerAsync(TcpListener listener, string file)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        await SendAsync(stream, 0, Greeting());
        await ReceiveAsync(stream);
        await SendAsync(stream, 2, [0, 0, 0, 2, 0, 0, 0]);
        await ReceiveAsync(stream);
        await SendAsync(stream, 1, [0xFB, .. Encoding.UTF8.GetBytes(file)]);
        using var sent = new MemoryStream();
        try
        {
            sent.Write(await ReceiveAsync(stream));
            await SendAsync(stream, 3, [0, 0, 0, 2, 0, 0, 0]);
            await stream.CopyToAsync(sent);
        }
        catch (IOException)
        {
            // The client has closed the connection with a reset.
        }

        return Encoding.UTF8.GetString(sent.ToArray());
    }

    // Protocol 10: version, connection, salt, capabilities (LOCAL_FILES, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH among them), method.
    private static byte[] Greeting() =>
    [
        10, .. "5.5.5-10.11.0-MariaDB\0"u8, 1, 0, 0, 0, .. "12345678\0"u8, 0xFF, 0xF7, 45, 2, 0, 0x0F, 0x80, 21, .. new byte[10], .. "123456789012\0"u8,
        .. "mysql_native_password\0"u8,
    ];

    private static async Task SendAsync(NetworkStream stream, byte sequence, byte[] payload)
    {
        byte[] packet = [(byte)payload.Length, (byte)(payload.Length >> 8), 0, sequence, .. payload];
        await stream.WriteAsync(packet);
    }

    private static async Task<byte[]> ReceiveAsync(NetworkStream stream)
    {
        var header = new byte[4];
        await stream.ReadExactlyAsync(header);
        var payload = new byte[header[0] | (header[1] << 8) | (header[2] << 16)];
        await stream.ReadExactlyAsync(payload);
        return payload;
    }
}
