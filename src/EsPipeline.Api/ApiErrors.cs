using EsPipeline.Core.Errors;

namespace EsPipeline.Api;

/// <summary>What <c>espipe serve</c> can answer instead of what was asked for; the HTTP status of each is in <see cref="Http.Problem"/>.</summary>
public static class ApiErrors
{
    /// <summary>Something in the request is wrong.</summary>
    public static readonly ErrorCode BadRequest = new(
        "api.bad_request", FailureKind.Permanent, "Something in the request is wrong.", "See /docs for what can be asked, and how.")
    {
        Steps = ["Read what this path takes: `curl -sS http://{--api-host}:{--api-port}/openapi.json`"],
    };

    /// <summary>The body is not JSON that can be used.</summary>
    public static readonly ErrorCode BadJson = new(
        "api.bad_json", FailureKind.Permanent, "The body is not JSON that can be used.", "Send one JSON object, with each name in it once.")
    {
        Steps = ["Have the body checked; BODY is its file: `python3 -m json.tool BODY`"],
    };

    /// <summary>The body is not declared as JSON.</summary>
    public static readonly ErrorCode NotJson = new(
        "api.not_json", FailureKind.Permanent, "The body is not declared as JSON.", "Send the header Content-Type: application/json.")
    {
        Steps = ["Send it with its type; BODY is its file: `curl -sS -H 'Content-Type: application/json' -d @BODY http://{--api-host}:{--api-port}/search`"],
    };

    /// <summary>The body is too large.</summary>
    public static readonly ErrorCode BodyTooLarge = new(
        "api.body_too_large", FailureKind.Permanent, "The body is too large.", "A body may have 1 MiB; ask for fewer values at once.")
    {
        Steps = ["See how large it is; BODY is its file: `wc -c BODY`"],
    };

    /// <summary>The page would be too large to be held in memory.</summary>
    public static readonly ErrorCode PageTooLarge = new(
        "api.page_too_large", FailureKind.Permanent, "The documents of one page are larger than a page may be.", "Ask for fewer documents, or only some of their fields.")
    {
        Steps = ["Ask for ten documents at a time; INDEX is the one asked for: `curl -sS 'http://{--api-host}:{--api-port}/search/INDEX/scroll?size=10'`"],
    };

    /// <summary>There is nothing at this path.</summary>
    public static readonly ErrorCode NoSuchPath = new("api.no_such_path", FailureKind.Permanent, "There is nothing at this path.", "See /docs for the paths that there are.")
    {
        Steps = ["See the paths that there are: `curl -sS http://{--api-host}:{--api-port}/openapi.json`"],
    };

    /// <summary>The path is asked with another method.</summary>
    public static readonly ErrorCode WrongMethod = new("api.wrong_method", FailureKind.Permanent, "This path is asked with another method.", "See /docs for which one.")
    {
        Steps = ["See which method the path takes: `curl -sS http://{--api-host}:{--api-port}/openapi.json`"],
    };

    /// <summary>No key, or a wrong one.</summary>
    public static readonly ErrorCode KeyNeeded = new(
        "api.key_needed", FailureKind.Environment, "The request has no valid key.", "Send one of the keys in ESPIPE_API_KEYS as the header X-API-Key.")
    {
        Steps = ["Ask with the key: `curl -sS -H \"X-API-Key: $KEY\" http://{--api-host}:{--api-port}/indices`"],
    };

    /// <summary>Somebody else than this machine, and no keys.</summary>
    public static readonly ErrorCode LoopbackOnly = new(
        "api.loopback_only", FailureKind.Environment, "Without keys only requests from this machine to this machine are served.",
        "Set ESPIPE_API_KEYS, and send one of the keys as the header X-API-Key.")
    {
        Steps = ["Make a key, and start serve with it in the environment: `export ESPIPE_API_KEYS=\"$(openssl rand -hex 24)\"`"],
    };

    /// <summary>Too many requests.</summary>
    public static readonly ErrorCode TooManyRequests = new(
        "api.too_many_requests", FailureKind.Transient, "There are more requests than this key or address may make.", "Wait as long as Retry-After says; --api-rate-limit sets the limit.")
    {
        Steps =
        [
            "See how long to wait: `curl -sSI http://{--api-host}:{--api-port}/indices | grep -i retry-after`",
            "Allow more, now {--api-rate-limit} a second: start serve with `--api-rate-limit 500`",
        ],
    };

    /// <summary>Too many scrolls that are not at their end.</summary>
    public static readonly ErrorCode TooManyScrolls = new(
        "api.too_many_scrolls", FailureKind.Transient, "There are more scrolls open than this key or address, or all together, may have.",
        "Read the ones that are open to their end, or wait as long as Retry-After says; --api-max-scrolls sets the limit for each.")
    {
        Steps =
        [
            "For a look at the first documents alone ask for a page, which holds nothing open; INDEX is the one asked for: `curl -sS -H 'Content-Type: application/json' -d '{\"index\":\"INDEX\"}' http://{--api-host}:{--api-port}/search`",
            "Have cursors that nobody uses forgotten sooner than after {--api-scroll-keep-alive}: start serve with `--api-scroll-keep-alive 1m`",
        ],
    };

    /// <summary>Too much at once for everybody together.</summary>
    public static readonly ErrorCode Busy = new("api.busy", FailureKind.Transient, "There are more requests than can be answered just now.", "Wait as long as Retry-After says.")
    {
        Steps = ["See whether the server answers and how fast: `curl -sS -o /dev/null -w '%{http_code} %{time_total} s' http://{--api-host}:{--api-port}/health`"],
    };

    /// <summary>It took too long.</summary>
    public static readonly ErrorCode TimedOut = new(
        "api.timed_out", FailureKind.Transient, "The answer took longer than a request may.", "Ask for less at once; --api-timeout sets the limit.")
    {
        Steps =
        [
            "See how the search server stands: `curl -sS http://{--api-host}:{--api-port}/health`",
            "Allow longer than {--api-timeout}: start serve with `--api-timeout 60s`",
        ],
    };

    /// <summary>The index can't be named.</summary>
    public static readonly ErrorCode BadIndexName = new(
        "api.bad_index_name", FailureKind.Permanent, "This can't be the name of an index that is served.", "Name one index or alias; GET /indices lists them.")
    {
        Steps = ["See which indices are served: `curl -sS http://{--api-host}:{--api-port}/indices`"],
    };

    /// <summary>The index is not there, or not for callers.</summary>
    public static readonly ErrorCode NoSuchIndex = new(
        "api.no_such_index", FailureKind.Permanent, "There is no such index among those that are served.", "GET /indices lists them.")
    {
        Steps =
        [
            "See which indices are served: `curl -sS http://{--api-host}:{--api-port}/indices`",
            "Where it is left out on purpose, --api-indices says so: `espipe serve --config-check`",
        ],
    };

    /// <summary>The field is not there, or not for callers.</summary>
    public static readonly ErrorCode NoSuchField = new(
        "api.no_such_field", FailureKind.Permanent, "There is no such field that can be searched or sorted by.", "GET /indices/{index}/fields lists the fields.")
    {
        Steps =
        [
            "See the fields that there are; INDEX is the one asked for: `curl -sS http://{--api-host}:{--api-port}/indices/INDEX/fields`",
            "Where it is hidden on purpose, --api-allow-fields and --api-deny-fields say so: `espipe serve --config-check`",
        ],
    };

    /// <summary>A value does not fit its field.</summary>
    public static readonly ErrorCode BadValue = new(
        "api.bad_value", FailureKind.Permanent, "A value does not fit its field.", "GET /indices/{index}/fields tells each field's type.")
    {
        Steps = ["See each field's type; INDEX is the one asked for: `curl -sS http://{--api-host}:{--api-port}/indices/INDEX/fields`"],
    };

    /// <summary>The search server refused the search.</summary>
    public static readonly ErrorCode QueryRefused = new(
        "api.query_refused", FailureKind.Permanent, "The search can't be done as it was asked.", "Check that each value fits its field's type, such as a date for a date.")
    {
        Steps = ["See each field's type; INDEX is the one asked for: `curl -sS http://{--api-host}:{--api-port}/indices/INDEX/fields`"],
    };

    /// <summary>The page is beyond what pages reach.</summary>
    public static readonly ErrorCode BeyondWindow = new(
        "api.beyond_window", FailureKind.Permanent, "The page is beyond the first 10,000 documents.", "Read on with GET /search/{index}/scroll, which has no such end, or narrow the search.")
    {
        Steps = ["Read on without an end; INDEX is the one asked for: `curl -sS http://{--api-host}:{--api-port}/search/INDEX/scroll`"],
    };

    /// <summary>The cursor is none of ours.</summary>
    public static readonly ErrorCode BadCursor = new(
        "api.bad_cursor", FailureKind.Permanent, "The cursor is not one that was given out here.", "Use next_cursor as it came, or begin anew without a cursor.")
    {
        Steps =
        [
            "Begin anew; INDEX is the one asked for: `curl -sS http://{--api-host}:{--api-port}/search/INDEX/scroll`",
            "Several copies, and copies that start again, need the same secret to know each other's cursors: `export ESPIPE_API_CURSOR_KEY=\"$(openssl rand -hex 24)\"`",
        ],
    };

    /// <summary>The cursor is too old.</summary>
    public static readonly ErrorCode CursorExpired = new(
        "api.cursor_expired", FailureKind.Permanent, "The cursor is no longer good.", "Begin anew without a cursor, and read on within --api-scroll-keep-alive.")
    {
        Steps =
        [
            "Begin anew; INDEX is the one asked for: `curl -sS http://{--api-host}:{--api-port}/search/INDEX/scroll`",
            "Keep cursors longer than {--api-scroll-keep-alive}: start serve with `--api-scroll-keep-alive 30m`",
        ],
    };

    /// <summary>The counts are not there yet.</summary>
    public static readonly ErrorCode NoCounts = new(
        "api.no_counts", FailureKind.Environment, "There is no index of counts.", "Load one with --source hadoop --sink elasticsearch, or name it with --api-counts-index.")
    {
        Steps = ["Load counts: `espipe --source hadoop --sink elasticsearch --s3-bucket BUCKET`"],
    };

    /// <summary>There is no such job.</summary>
    public static readonly ErrorCode NoSuchJob = new("api.no_such_job", FailureKind.Permanent, "There is no such job in the state folder.", "GET /api/pipeline lists the jobs.")
    {
        Steps =
        [
            "See which jobs there are: `curl -sS http://{--api-host}:{--api-port}/api/pipeline`",
            "See which folder serve looks into: `espipe serve --config-check`",
        ],
    };

    /// <summary>The search server can't be asked.</summary>
    public static readonly ErrorCode BackendUnavailable = new(
        "api.backend_unavailable", FailureKind.Transient, "The search server can't be asked just now.", "Try again later; the log of espipe serve says what is wrong.")
    {
        Steps =
        [
            "See what espipe says of the search server: `curl -sS http://{--api-host}:{--api-port}/health`",
            "Ask the search server itself: `{es-curl} '{--es-url}/_cluster/health?pretty'`",
        ],
    };

    /// <summary>The state folder can't be read.</summary>
    public static readonly ErrorCode StateUnavailable = new(
        "api.state_unavailable", FailureKind.Environment, "The state of the pipeline can't be read.", "The log of espipe serve says what is wrong.")
    {
        Steps = ["See who may read the state, and what is in it: `ls -la {--state}`"],
    };

    /// <summary>A fault of espipe's own.</summary>
    public static readonly ErrorCode Unexpected = new("api.unexpected", FailureKind.Environment, "Something went wrong here.", "The log of espipe serve says what; please report it.")
    {
        Steps = ["See the whole story: start serve with `--log-level debug`"],
    };

    /// <summary>The port can't be had.</summary>
    public static readonly ErrorCode CannotListen = new(
        "api.cannot_listen", FailureKind.Environment, "The address or port can't be listened at.", "Choose another with --api-host and --api-port, or end what holds it.")
    {
        Steps =
        [
            "See what listens there: `ss -ltnp`",
            "Let the machine choose a free port: start serve with `--api-port 0`",
        ],
    };

    /// <summary>The certificate can't be used.</summary>
    public static readonly ErrorCode BadCertificate = new(
        "api.bad_certificate", FailureKind.Environment, "The certificate or its key can't be used.", "Give PEM files that belong together with --api-cert and --api-cert-key.")
    {
        Steps = ["See whether both hold the same public key: `openssl x509 -in {--api-cert} -noout -pubkey | openssl sha256; openssl pkey -in {--api-cert-key} -pubout | openssl sha256`"],
    };
}
