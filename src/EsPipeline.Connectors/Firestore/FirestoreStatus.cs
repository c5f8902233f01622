using System.Globalization;
using System.Net;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Firestore;

/// <summary>What Firestore says when something is not as it should be: a <c>google.rpc.Status</c>, of one write or of a whole request.</summary>
/// <param name="Code">A <c>google.rpc.Code</c>, see https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto.</param>
/// <param name="Message">The server's words.</param>
/// <param name="Reason">A fixed word for the reason, such as <c>SERVICE_DISABLED</c>; empty where there is none.</param>
/// <param name="RetryAfter">How long to wait, where the server says so.</param>
internal readonly record struct FirestoreStatus(int Code, string Message, string Reason = "", TimeSpan? RetryAfter = null)
{
    private const int MaxWords = 500;

    // Codes of espipe's own, for answers that have none.
    private const int NotFirestore = -1;
    private const int TooLarge = -2;

    private static readonly string[] CodeNames =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    ];

    /// <summary>The code of a name; 2 (UNKNOWN) for another name.</summary>
    public static int CodeOf(string? name) => Array.IndexOf(CodeNames, name) is >= 0 and var code ? code : 2;

    /// <summary>The kind of error that this is.</summary>
    public ErrorCode Error => Code switch
    {
        1 or 2 or 13 or 15 => FirestoreErrors.Internal,
        3 => Has("payload size exceeds") ? FirestoreErrors.RequestTooLarge : FirestoreErrors.Refused,
        4 => FirestoreErrors.DeadlineExceeded,
        5 => Has("database") || Has("project") ? FirestoreErrors.NoDatabase : FirestoreErrors.Rejected,
        7 => Denied,
        8 => Exhausted,
        9 => Has("datastore mode") || Has("datastore projects") ? FirestoreErrors.DatastoreMode : FirestoreErrors.Rejected,
        10 => FirestoreErrors.Aborted,
        14 => FirestoreErrors.Unavailable,
        16 => FirestoreErrors.Unauthenticated,
        11 => FirestoreErrors.Refused,
        TooLarge => FirestoreErrors.RequestTooLarge,
        _ => FirestoreErrors.Rejected,
    };

    /// <summary>The kind of error that it is as the status of one write: what a whole request is rejected for, or what breaks, may be one document's fault.</summary>
    public ErrorCode ErrorOfWrite => Code switch
    {
        2 or 13 or 15 => FirestoreErrors.DocumentFailed,
        _ => Error == FirestoreErrors.Rejected ? FirestoreErrors.Refused : Error,
    };

    /// <summary>The server's words, fit for one line, with their code's name.</summary>
    public string Words
    {
        get
        {
            var words = string.Join(' ', Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            words = new string([.. words.Where(c => !char.IsControl(c))]);
            if (words.Length > MaxWords) words = words[..MaxWords] + "…";
            return Code < 0 ? words : $"{(Code < CodeNames.Length ? CodeNames[Code] : $"code {Code}")}{(words.Length > 0 ? ": " + words : "")}";
        }
    }

    /// <summary>The status in the body of an answer that is not a success.</summary>
    public static FirestoreStatus Of(HttpStatusCode http, ReadOnlyMemory<byte> body, TimeSpan? retryAfter)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;

            // A call that streams its answer puts the error into an array.
            if (root is { ValueKind: JsonValueKind.Array } && root.GetArrayLength() > 0) root = root[0];
            if (Of(root.GetProperty("error"), retryAfter) is { Code: not NotFirestore } status) return status;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Not Firestore's own words, but those of something on the way.
        }

        return new FirestoreStatus(CodeOf(http), $"HTTP {(int)http} without a status of Firestore's own", "", retryAfter);
    }

    /// <summary>The status in an <c>error</c> object.</summary>
    public static FirestoreStatus Of(JsonElement error, TimeSpan? retryAfter = null)
    {
        var name = error.TryGetProperty("status", out var status) ? status.GetString() : null;
        var http = error.TryGetProperty("code", out var number) && number.TryGetInt32(out var n) ? n : 0;
        var message = error.TryGetProperty("message", out var words) ? words.GetString() ?? "" : "";
        var reason = "";
        if (error.TryGetProperty("details", out var details) && details.ValueKind == JsonValueKind.Array)
        {
            foreach (var detail in details.EnumerateArray())
            {
                if (detail.TryGetProperty("reason", out var word)) reason = word.GetString() ?? "";
                if (detail.TryGetProperty("retryDelay", out var delay) && Duration(delay.GetString()) is { } asked && !(asked < retryAfter)) retryAfter = asked;
            }
        }

        return new FirestoreStatus(name is null ? CodeOf((HttpStatusCode)http) : CodeOf(name), message, reason, retryAfter);
    }

    // https://cloud.google.com/apis/design/errors, read from right to left. A bare 400 or 404 blames no document: whoever says it may
    // never have seen one.
    private static int CodeOf(HttpStatusCode http) => (int)http switch
    {
        401 => 16,
        403 or 407 => 7,
        408 or 504 => 4,
        409 => 10,
        429 => 8,
        500 => 13,
        502 or 503 => 14,
        413 => TooLarge,
        _ => NotFirestore,
    };

    private static TimeSpan? Duration(string? text) =>
        text is not null && text.EndsWith('s') && double.TryParse(text.AsSpan(0, text.Length - 1), CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and < 86400
            ? TimeSpan.FromSeconds(seconds) : null;

    private ErrorCode Denied => Reason switch
    {
        "SERVICE_DISABLED" => FirestoreErrors.ApiDisabled,
        "CONSUMER_INVALID" or "RESOURCE_PROJECT_INVALID" => FirestoreErrors.NoProject,
        "BILLING_DISABLED" => FirestoreErrors.Quota,
        _ when Has("has not been used in project") => FirestoreErrors.ApiDisabled,
        _ when Has("permission denied on resource project") => FirestoreErrors.NoProject,
        _ => FirestoreErrors.PermissionDenied,
    };

    // The daily free quota often says no more than "Quota exceeded.", as throttling may too; only clear words stop the run.
    private ErrorCode Exhausted =>
        Has("exceeds maximum size") ? FirestoreErrors.RequestTooLarge
        : Has("per day") || Has("daily") ? FirestoreErrors.Quota
        : FirestoreErrors.Throttled;

    private bool Has(string words) => Message.Contains(words, StringComparison.OrdinalIgnoreCase);
}
