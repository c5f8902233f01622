using System.Net;
using System.Text;

namespace EsPipeline.Conformance;

/// <summary>Requests of a test's own to a search server that may be busy.</summary>
public static class PatientRequests
{
    // Longer than a server takes to collect its memory, or to find its shards.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>Sends a request, and again while the server says that it can't just now: it has done nothing then.</summary>
    /// <param name="http">Who sends it.</param>
    /// <param name="method">Its method.</param>
    /// <param name="path">Its path and query.</param>
    /// <param name="body">Its body; null for none.</param>
    /// <param name="type">What the body is.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<HttpResponseMessage> SendPatientlyAsync(
        this HttpClient http, HttpMethod method, string path, string? body = null, string type = "application/json", CancellationToken ct = default)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
            if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, type);
            var response = await http.SendAsync(request, ct);

            // Its memory has just filled and is not collected yet, or its shards are not there yet.
            if (response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable) || TimeProvider.System.GetElapsedTime(started) > Longest) return response;
            response.Dispose();
            await Task.Delay(TimeSpan.FromSeconds(1), ct);
        }
    }
}
