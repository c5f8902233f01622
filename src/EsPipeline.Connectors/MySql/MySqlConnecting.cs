using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>Makes connections, and says in words of its own why one could not be made.</summary>
internal static unsafe class MySqlConnecting
{
    // Ways to sign in that never send the password as it is. Without a verified server no other is allowed.
    private const string SafeMethods = "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519";

    /// <summary>Connects and signs in; blocks until then.</summary>
    /// <exception cref="PipelineException">The library is missing, or the server refuses.</exception>
    public static MySqlSession Connect(MySqlOptions options, TimeSpan timeout, TimeProvider time)
    {
        var mysql = Create();
        try
        {
            Configure(mysql, options, timeout);
            var started = time.GetTimestamp();
            SignIn(mysql, options);
            if (MariaDbLibrary.ErrorNumber(mysql) is not 0 and var number)
            {
                throw Refusal(number, MySqlSession.Text(MariaDbLibrary.ErrorText(mysql)), options, time.GetElapsedTime(started) >= timeout * 0.9);
            }

            // The library takes "TLS, but do not verify" as a wish: it goes on in the open where the server offers none.
            if (options.EffectiveTls != MySqlTls.Off && MariaDbLibrary.TlsCipher(mysql) == 0) throw NoTls(options);
            return new MySqlSession(mysql, timeout, time);
        }
        catch
        {
            MariaDbLibrary.Close(mysql);
            throw;
        }
    }

    /// <summary>Where the server is, for messages.</summary>
    public static string Address(MySqlOptions options) =>
        options.IsUnixSocket ? options.Host : string.Create(CultureInfo.InvariantCulture, $"{options.Host}:{options.Port}");

    private static nint Create()
    {
        try
        {
            return MariaDbLibrary.Init(0) is not 0 and var mysql ? mysql : throw MySqlErrors.OutOfResources.Error("The client library could not be started.");
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or TypeInitializationException)
        {
            throw MySqlErrors.NoLibrary.Error("The library libmariadb (MariaDB Connector/C 3) could not be loaded.", inner: e);
        }
    }

    private static void Configure(nint mysql, MySqlOptions options, TimeSpan timeout)
    {
        Set(mysql, ConnectOption.ConnectTimeout, (uint)Math.Clamp(timeout.TotalSeconds, 1, 10));
        Set(mysql, ConnectOption.ReadTimeout, (uint)Math.Max(1, timeout.TotalSeconds));
        Set(mysql, ConnectOption.WriteTimeout, (uint)Math.Max(1, timeout.TotalSeconds));
        Set(mysql, ConnectOption.LocalInfile, 0u);
        Set(mysql, ConnectOption.Reconnect, (byte)0);
        Set(mysql, ConnectOption.MaxAllowedPacket, new CULong(1u << 30));
        Set(mysql, ConnectOption.Protocol, options.IsUnixSocket ? NativeConstants.ProtocolSocket : NativeConstants.ProtocolTcp);
        _ = MariaDbLibrary.SetOption(mysql, ConnectOption.CharsetName, "utf8mb4");
        _ = MariaDbLibrary.SetOption(mysql, ConnectOption.AddConnectAttribute, "program_name", "espipe");
        var tls = options.EffectiveTls;
        Set(mysql, ConnectOption.VerifyServerCertificate, (byte)(tls == MySqlTls.Verify ? 1 : 0));
        Set(mysql, ConnectOption.EnforceTls, (byte)(tls == MySqlTls.Off ? 0 : 1));
        if (tls != MySqlTls.Off) _ = MariaDbLibrary.SetOption(mysql, ConnectOption.TlsVersion, "TLSv1.2,TLSv1.3");
        if (tls != MySqlTls.Verify) _ = MariaDbLibrary.SetOption(mysql, ConnectOption.RestrictedAuthentication, SafeMethods);
        if (options.CertificateAuthority is not { } authority) return;
        if (!File.Exists(authority)) throw MySqlErrors.Tls.Error($"--db-ca: there is no file {authority}.");
        _ = MariaDbLibrary.SetOption(mysql, ConnectOption.CertificateAuthority, authority);
    }

    private static void Set<T>(nint mysql, ConnectOption option, T value)
        where T : unmanaged => _ = MariaDbLibrary.SetOption(mysql, option, &value);

    private static void SignIn(nint mysql, MySqlOptions options)
    {
        var password = Encoding.UTF8.GetBytes((options.Password?.Reveal() ?? "") + '\0');
        fixed (byte* secret = password)
        {
            try
            {
                _ = MariaDbLibrary.Connect(
                    mysql, options.IsUnixSocket ? null : options.Host, options.User, secret, options.Database.Length == 0 ? null : options.Database,
                    (uint)options.Port, options.IsUnixSocket ? options.Host : null, new CULong(0));
            }
            finally
            {
                CryptographicOperations.ZeroMemory(password);
            }
        }
    }

    private static PipelineException Refusal(uint number, string text, MySqlOptions options, bool late)
    {
        const uint tlsFailure = 2026;
        var server = $"The server at {Address(options)}";
        if (number == tlsFailure) return TlsRefusal(text, options);
        var error = ServerFailure.Of(number, text, server);
        if (error.Error != MySqlErrors.ConnectionLost && error.Error != MySqlErrors.Unreachable) return error;
        return MySqlErrors.Unreachable.Error(
            late ? $"{server} did not answer in time." : $"No connection to {Address(options)}: {text.TrimEnd('.')} (error {number}).");
    }

    // The words are those of OpenSSL, GnuTLS and Schannel, whichever the library was built with.
    private static PipelineException TlsRefusal(string text, MySqlOptions options)
    {
        var address = Address(options);
        if (Says("does not support", "required, but")) return NoTls(options);

        // An authority's own certificate is always signed by itself; it is not the server's.
        if (Says("in certificate chain")) return MySqlErrors.TlsUnknownAuthority.Error($"The certificate of {address} is signed by an authority that this machine does not know.");
        if (Says("self-signed", "self signed")) return MySqlErrors.TlsSelfSigned.Error($"The certificate of {address} is signed by itself.");
        if (Says("expired", "not yet valid", "not yet activated")) return MySqlErrors.TlsExpired.Error($"The certificate of {address} has expired or is not valid yet.");
        if (Says("Validation of SSL server certificate", "hostname", "host name", "does not match", "CN name")) return MySqlErrors.TlsWrongHost.Error($"The certificate of {address} is for another host than '{options.Host}'.");
        if (Says("issuer", "unknown ca", "not trusted", "untrusted")) return MySqlErrors.TlsUnknownAuthority.Error($"The certificate of {address} is signed by an authority that this machine does not know.");
        return MySqlErrors.Tls.Error($"No TLS connection to {address}: {text.TrimEnd('.')}.");

        bool Says(params ReadOnlySpan<string> words)
        {
            foreach (var word in words)
            {
                if (text.Contains(word, StringComparison.OrdinalIgnoreCase)) return true;
            }

            return false;
        }
    }

    private static PipelineException NoTls(MySqlOptions options) => MySqlErrors.NoTls.Error($"The server at {Address(options)} offers no TLS.");
}
