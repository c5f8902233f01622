using EsPipeline.Core.Errors;

namespace EsPipeline.Api;

/// <summary>What <c>espipe serve</c> can answer instead of what was asked for; the HTTP status of each is in <see cref="Http.Problem"/>.</summary>
public static class ApiErrors
{
    /// <summary>Something in the request is wrong.</summary>
    public static readonly ErrorCode BadRequest = new(
        "api.bad_request", FailureKind.Permanent, "Something in the request is wrong.", "See /docs for what can be asked, and how.");

    /// <summary>The body is not JSON that can be used.</summary>
    public static readonly ErrorCode BadJson = new(
        "api.bad_json", FailureKind.Permanent, "The body is not JSON that can be used.", "Send one JSON object, with each name in it once.");

    /// <summary>The body is not declared as JSON.</summary>
    public static readonly ErrorCode NotJson = new(
        "api.not_json", FailureKind.Permanent, "The body is not declared as JSON.", "Send the header Content-Type: application/json.");

    /// <summary>The body is too large.</summary>
    public static readonly ErrorCode BodyTooLarge = new(
        "api.body_too_large", FailureKind.Permanent, "The body is too large.", "A body may have 1 MiB; ask for fewer values at once.");

    /// <summary>The page would be too large to be held in memory.</summary>
    public static readonly ErrorCode PageTooLarge = new(
        "api.page_too_large", FailureKind.Permanent, "The documents of one page are larger than a page may be.", "Ask for fewer documents, or only some of their fields.");

    /// <summary>There is nothing at this path.</summary>
    public static readonly ErrorCode NoSuchPath = new("api.no_such_path", FailureKind.Permanent, "There is nothing at this path.", "See /docs for the paths that there are.");

    /// <summary>The path is asked with another method.</summary>
    public static readonly ErrorCode WrongMethod = new("api.wrong_method", FailureKind.Permanent, "This path is asked with another method.", "See /docs for which one.");

    /// <summary>No key, or a wrong one.</summary>
    public static readonly ErrorCode KeyNeeded = new(
        "api.key_needed", FailureKind.Environment, "The request has no valid key.", "Send one of the keys in ESPIPE_API_KEYS as the header X-API-Key.");

    /// <summary>Somebody else than this machine, and no keys.</summary>
    public static readonly ErrorCode LoopbackOnly = new(
        "api.loopback_only", FailureKind.Environment, "Without keys only requests from this machine to this machine are served.",
        "Set ESPIPE_API_KEYS, and send one of the keys as the header X-API-Key.");

    /// <summary>Too many requests.</summary>
    public static readonly ErrorCode TooManyRequests = new(
        "api.too_many_requests", FailureKind.Transient, "There are more requests than this key or address may make.", "Wait as long as Retry-After says; --api-rate-limit sets the limit.");

    /// <summary>Too much at once for everybody together.</summary>
    public static readonly ErrorCode Busy = new("api.busy", FailureKind.Transient, "There are more requests than can be answered just now.", "Wait as long as Retry-After says.");

    /// <summary>It took too long.</summary>
    public static readonly ErrorCode TimedOut = new(
        "api.timed_out", FailureKind.Transient, "The answer took longer than a request may.", "Ask for less at once; --api-timeout sets the limit.");

    /// <summary>The index can't be named.</summary>
    public static readonly ErrorCode BadIndexName = new(
        "api.bad_index_name", FailureKind.Permanent, "This can't be the name of an index that is served.", "Name one index or alias; GET /indices lists them.");

    /// <summary>The index is not there, or not for callers.</summary>
    public static readonly ErrorCode NoSuchIndex = new(
        "api.no_such_index", FailureKind.Permanent, "There is no such index among those that are served.", "GET /indices lists them.");

    /// <summary>The field is not there, or not for callers.</summary>
    public static readonly ErrorCode NoSuchField = new(
        "api.no_such_field", FailureKind.Permanent, "There is no such field that can be searched or sorted by.", "GET /indices/{index}/fields lists the fields.");

    /// <summary>A value does not fit its field.</summary>
    public static readonly ErrorCode BadValue = new(
        "api.bad_value", FailureKind.Permanent, "A value does not fit its field.", "GET /indices/{index}/fields tells each field's type.");

    /// <summary>The search server refused the search.</summary>
    public static readonly ErrorCode QueryRefused = new(
        "api.query_refused", FailureKind.Permanent, "The search can't be done as it was asked.", "Check that each value fits its field's type, such as a date for a date.");

    /// <summary>The page is beyond what pages reach.</summary>
    public static readonly ErrorCode BeyondWindow = new(
        "api.beyond_window", FailureKind.Permanent, "The page is beyond the first 10,000 documents.", "Read on with GET /search/{index}/scroll, which has no such end, or narrow the search.");

    /// <summary>The cursor is none of ours.</summary>
    public static readonly ErrorCode BadCursor = new(
        "api.bad_cursor", FailureKind.Permanent, "The cursor is not one that was given out here.", "Use next_cursor as it came, or begin anew without a cursor.");

    /// <summary>The cursor is too old.</summary>
    public static readonly ErrorCode CursorExpired = new(
        "api.cursor_expired", FailureKind.Permanent, "The cursor is no longer good.", "Begin anew without a cursor, and read on within --api-scroll-keep-alive.");

    /// <summary>The counts are not there yet.</summary>
    public static readonly ErrorCode NoCounts = new(
        "api.no_counts", FailureKind.Environment, "There is no index of counts.", "Load one with --source hadoop --sink elasticsearch, or name it with --api-counts-index.");

    /// <summary>There is no such job.</summary>
    public static readonly ErrorCode NoSuchJob = new("api.no_such_job", FailureKind.Permanent, "There is no such job in the state folder.", "GET /api/pipeline lists the jobs.");

    /// <summary>The search server can't be asked.</summary>
    public static readonly ErrorCode BackendUnavailable = new(
        "api.backend_unavailable", FailureKind.Transient, "The search server can't be asked just now.", "Try again later; the log of espipe serve says what is wrong.");

    /// <summary>The state folder can't be read.</summary>
    public static readonly ErrorCode StateUnavailable = new(
        "api.state_unavailable", FailureKind.Environment, "The state of the pipeline can't be read.", "The log of espipe serve says what is wrong.");

    /// <summary>A fault of espipe's own.</summary>
    public static readonly ErrorCode Unexpected = new("api.unexpected", FailureKind.Environment, "Something went wrong here.", "The log of espipe serve says what; please report it.");

    /// <summary>The port can't be had.</summary>
    public static readonly ErrorCode CannotListen = new(
        "api.cannot_listen", FailureKind.Environment, "The address or port can't be listened at.", "Choose another with --api-host and --api-port, or end what holds it.");

    /// <summary>The certificate can't be used.</summary>
    public static readonly ErrorCode BadCertificate = new(
        "api.bad_certificate", FailureKind.Environment, "The certificate or its key can't be used.", "Give PEM files that belong together with --api-cert and --api-cert-key.");
}
