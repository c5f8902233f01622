using System.Globalization;
using System.Text;

namespace EsPipeline.Connectors.MySql;

/// <summary>Times as the server writes them in a session whose zone is UTC, and as microseconds since 1970.</summary>
internal static class ServerTime
{
    /// <summary>Microseconds since 1970 of a time.</summary>
    public static long Of(DateTimeOffset time) => (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Microseconds since 1970 of <c>2024-02-29 12:00:00.123456</c>; null for what is no time.</summary>
    public static long? Parse(string? text) =>
        text is not null && TimeValue.TryParse(Encoding.ASCII.GetBytes(text), out var time, out var nanoseconds)
            ? ((time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond) + (nanoseconds / 1000)
            : null;

    /// <summary>The time as the server takes it.</summary>
    public static byte[] Bytes(long microseconds) => Encoding.ASCII.GetBytes(Text(microseconds));

    /// <summary>The time as the server takes it.</summary>
    public static string Text(long microseconds) =>
        DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond).ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture);
}
