using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What can be wrong with Elasticsearch and OpenSearch.</summary>
public static partial class ElasticsearchErrors
{
    /// <summary>No connection.</summary>
    public static readonly ErrorCode Unreachable = new(
        "elasticsearch.unreachable", FailureKind.Transient, "The server can't be reached, or broke the connection off.",
        "Check --es-url, that the server runs, and that nothing between here and there blocks its port.")
    {
        Steps =
        [
            "See whether the server answers this machine: `{es-curl} {--es-url}`",
            "Look at the server's own log, and at what listens there: `ss -ltn`",
        ],
    };

    /// <summary>No such host.</summary>
    public static readonly ErrorCode UnknownHost = new(
        "elasticsearch.unknown_host", FailureKind.Environment, "The server's name is not known to DNS.", "Check the host name in --es-url.")
    {
        Steps = ["See what this machine knows of the name: `getent hosts {es-host}`"],
    };

    /// <summary>No answer in time.</summary>
    public static readonly ErrorCode TimedOut = new(
        "elasticsearch.timed_out", FailureKind.Transient, "The server did not answer in time.",
        "Check how busy the server is, and that nothing between here and there swallows connections.")
    {
        Steps =
        [
            "See how long a small question takes: `{es-curl} -w '%{time_total} s' -o /dev/null {--es-url}`",
            "See what the server is busy with: `{es-curl} '{--es-url}/_cat/tasks?v'`",
        ],
    };

    /// <summary>Nobody that this machine trusts has signed the certificate.</summary>
    public static readonly ErrorCode CertificateUntrusted = new(
        "elasticsearch.certificate_untrusted", FailureKind.Environment, "No authority that this machine trusts has signed the server's certificate.",
        "Give the authority's certificate with --es-ca, or the certificate's own fingerprint, as whoever runs the server tells you, with --es-fingerprint.")
    {
        Steps =
        [
            "Look at the certificate that the server shows: `openssl s_client -connect {es-host}:{es-port} -servername {es-host} </dev/null | openssl x509 -noout -subject -issuer -fingerprint -sha256`",
            "Where that fingerprint is the one that whoever runs the server tells you, give it: `--es-fingerprint SHA256`",
        ],
    };

    /// <summary>The certificate is out of date.</summary>
    public static readonly ErrorCode CertificateExpired = new(
        "elasticsearch.certificate_expired", FailureKind.Environment, "The server's certificate has expired or is not valid yet.",
        "Renew it on the server, or set this machine's clock.")
    {
        Steps = ["Look at its dates, and at this machine's clock: `openssl s_client -connect {es-host}:{es-port} -servername {es-host} </dev/null | openssl x509 -noout -dates; date -u`"],
    };

    /// <summary>The certificate is for another host.</summary>
    public static readonly ErrorCode CertificateHost = new(
        "elasticsearch.certificate_host", FailureKind.Environment, "The server's certificate is for another host name.",
        "Use a name that the certificate holds in --es-url, or have one made for this name.")
    {
        Steps = ["Look at the names that it holds: `openssl s_client -connect {es-host}:{es-port} -servername {es-host} </dev/null | openssl x509 -noout -ext subjectAltName`"],
    };

    /// <summary>The certificate is not the pinned one.</summary>
    public static readonly ErrorCode CertificateFingerprint = new(
        "elasticsearch.certificate_fingerprint", FailureKind.Environment, "The server's certificate is not the one that --es-fingerprint names.",
        "Ask whoever runs the server for the fingerprint; if it was not changed there, somebody may be in between.")
    {
        Steps = ["Look at the fingerprint that the server shows now: `openssl s_client -connect {es-host}:{es-port} -servername {es-host} </dev/null | openssl x509 -noout -fingerprint -sha256`"],
    };

    /// <summary>TLS spoken to a plain port.</summary>
    public static readonly ErrorCode NotTls = new(
        "elasticsearch.not_tls", FailureKind.Environment, "The address begins with https, but the server speaks plain HTTP.",
        "Use http:// in --es-url if the network is trusted, or turn TLS on at the server.")
    {
        Steps = ["See that it answers without TLS: `curl -sSI http://{es-host}:{es-port}`"],
    };

    /// <summary>Plain HTTP spoken to a TLS port.</summary>
    public static readonly ErrorCode NeedsTls = new(
        "elasticsearch.needs_tls", FailureKind.Environment, "The address begins with http, but the server speaks TLS.", "Use https:// in --es-url.")
    {
        Steps = ["Use this address: `--es-url https://{es-host}:{es-port}`"],
    };

    /// <summary>TLS failed in another way.</summary>
    public static readonly ErrorCode Tls = new(
        "elasticsearch.tls", FailureKind.Environment, "No TLS connection could be agreed on.", "Check which TLS versions and ciphers the server allows.")
    {
        Steps = ["See what the server offers: `openssl s_client -connect {es-host}:{es-port} -servername {es-host} </dev/null`"],
    };

    /// <summary>Wrong credentials.</summary>
    public static readonly ErrorCode Unauthorized = new(
        "elasticsearch.auth", FailureKind.Environment, "The server did not accept the user and password, or the API key.",
        "Check --es-user and --es-pass, or --es-api-key.")
    {
        Steps =
        [
            "Try the same sign-in by hand: `{es-curl} {--es-url}`",
            "See which origin each value has, since the environment goes before the .env file: the same command with `--config-check`",
        ],
    };

    /// <summary>A privilege is missing.</summary>
    public static readonly ErrorCode Forbidden = new(
        "elasticsearch.forbidden", FailureKind.Environment, "The user may not do this.", "Grant the privilege that is named, or use another user.")
    {
        Steps = ["See what this user may do (Elasticsearch): `{es-curl} '{--es-url}/_security/user/_privileges?pretty'`"],
    };

    /// <summary>No such index.</summary>
    public static readonly ErrorCode IndexNotFound = new(
        "elasticsearch.index_not_found", FailureKind.Environment, "There is no index, alias or data stream of this name.", "Check --es-index.")
    {
        Steps =
        [
            "See which indices there are: `{es-curl} '{--es-url}/_cat/indices?v'`",
            "See which aliases there are: `{es-curl} '{--es-url}/_cat/aliases?v'`",
        ],
    };

    /// <summary>The index is closed.</summary>
    public static readonly ErrorCode IndexClosed = new(
        "elasticsearch.index_closed", FailureKind.Environment, "The index is closed.", "Open it (POST /INDEX/_open), or leave it out of --es-index.")
    {
        Steps = ["Open it: `{es-curl} -X POST {--es-url}/{--es-index}/_open`"],
    };

    /// <summary>Too busy.</summary>
    public static readonly ErrorCode Throttled = new(
        "elasticsearch.throttled", FailureKind.Transient, "The server has too much to do and asks to come back later (429).",
        "Lower --threads, or give the cluster more room.")
    {
        Steps =
        [
            "See which queues are full: `{es-curl} '{--es-url}/_cat/thread_pool/search,write?v'`",
            "Read with fewer readers: `--threads 1`",
        ],
    };

    /// <summary>The server, or a part of it, is not available.</summary>
    public static readonly ErrorCode Unavailable = new(
        "elasticsearch.unavailable", FailureKind.Transient, "The server or a part of its data is not available.", "Check the cluster's health.")
    {
        Steps =
        [
            "See the cluster's health: `{es-curl} '{--es-url}/_cluster/health?pretty'`",
            "See which shards have no node: `{es-curl} '{--es-url}/_cat/shards?v'`",
        ],
    };

    /// <summary>A redirect.</summary>
    public static readonly ErrorCode Redirected = new(
        "elasticsearch.redirected", FailureKind.Environment, "The address answers with a redirect, which is never followed: it would carry the password elsewhere.",
        "Give the address that it leads to in --es-url, if that is the server you mean.")
    {
        Steps = ["See where it leads to: `curl -sSI {--es-url}`"],
    };

    /// <summary>Something else answers.</summary>
    public static readonly ErrorCode NotElasticsearch = new(
        "elasticsearch.not_elasticsearch", FailureKind.Environment, "What answers at this address is neither Elasticsearch nor OpenSearch.",
        "Check host and port in --es-url.")
    {
        Steps = ["See what answers: `{es-curl} -i {--es-url}`"],
    };

    /// <summary>An answer that is not whole.</summary>
    public static readonly ErrorCode PartialAnswer = new(
        "elasticsearch.partial_answer", FailureKind.Transient, "The server answered for a part of the data only, which is never taken for all of it.",
        "Check the cluster's health; espipe asks again.")
    {
        Steps = ["See which shards are not there: `{es-curl} '{--es-url}/_cat/shards/{--es-index}?v'`"],
    };

    /// <summary>An answer that can't be read.</summary>
    public static readonly ErrorCode BadAnswer = new(
        "elasticsearch.bad_answer", FailureKind.Transient, "The server's answer was cut off or is not what its interface promises.",
        "If it stays so, check what stands between here and the server.")
    {
        Steps = ["See what answers, and what is named in its headers: `{es-curl} -i {--es-url}`"],
    };

    /// <summary>The point in time or scroll is gone.</summary>
    public static readonly ErrorCode ViewLost = new(
        "elasticsearch.view_lost", FailureKind.Transient, "The server no longer holds the view of the data that was being read.",
        "Nothing is to be done: espipe opens another and goes on from the same place.")
    {
        Steps = ["See whether nodes have restarted: `{es-curl} '{--es-url}/_cat/nodes?v&h=name,uptime,heap.percent'`"],
    };

    /// <summary>Any other refusal.</summary>
    public static readonly ErrorCode Refused = new(
        "elasticsearch.refused", FailureKind.Environment, "The server refused a request.", "The server's own words say why.")
    {
        Steps =
        [
            "See whether the index is in order: `{es-curl} '{--es-url}/_cat/indices/{--es-index}?v'`",
            "See the request that was refused, too: the same command with `--log-level debug`",
        ],
    };

    /// <summary>The query is wrong.</summary>
    public static readonly ErrorCode BadQuery = new(
        "elasticsearch.query", FailureKind.Environment, "The query can't be used.", "Mend --query; it takes one query in query DSL, as {\"query\":{…}} or alone.")
    {
        Steps = ["Ask the server what it makes of the query: `{es-curl} -H 'Content-Type: application/json' -d @query.json '{--es-url}/{--es-index}/_validate/query?explain'`"],
    };

    /// <summary>The documents are not kept.</summary>
    public static readonly ErrorCode NoSource = new(
        "elasticsearch.no_source", FailureKind.Environment, "The index does not keep its documents (_source is disabled), so there is nothing to copy.",
        "Copy from where the index is filled, or index again with _source enabled.")
    {
        Steps = ["See the index's mapping: `{es-curl} '{--es-url}/{--es-index}/_mapping?pretty'`"],
    };

    /// <summary>A document's key can't be used.</summary>
    public static readonly ErrorCode BadId = new(
        "elasticsearch.bad_id", FailureKind.Permanent, "A document's _id is not valid Unicode text.", "Index the document again under another _id.")
    {
        Steps = ["Until it has another _id, leave it out: `--query '{\"bool\":{\"must_not\":{\"ids\":{\"values\":[\"ID\"]}}}}'`"],
    };

    /// <summary>There is no such time field.</summary>
    public static readonly ErrorCode NoTimeField = new(
        "elasticsearch.no_time_field", FailureKind.Environment, "The field that times are looked for in is not a date.",
        "Name a field of type date or date_nanos with --timestamp-field.")
    {
        Steps = ["See which fields are dates: `{es-curl} '{--es-url}/{--es-index}/_mapping?pretty'`"],
    };

    /// <summary>Changes can't be told without the privilege.</summary>
    public static readonly ErrorCode CannotFollow = new(
        "elasticsearch.cannot_follow", FailureKind.Environment, "The way in which changes were followed so far is not possible any more.",
        "Give the user the privilege back, or run 'espipe checkpoint reset' to begin anew.")
    {
        Steps = ["Begin anew: `espipe checkpoint reset {job-options}`"],
    };

    /// <summary>The index never shows what was written.</summary>
    public static readonly ErrorCode NeverRefreshes = new(
        "elasticsearch.never_refreshes", FailureKind.Environment, "The index has refresh_interval -1, and the user may not refresh it, so new documents can't be seen.",
        "Grant the index privilege maintenance, or set index.refresh_interval.")
    {
        Steps =
        [
            "See the interval: `{es-curl} '{--es-url}/{--es-index}/_settings/index.refresh_interval?pretty'`",
            "Set one: `{es-curl} -X PUT -H 'Content-Type: application/json' -d '{\"index\":{\"refresh_interval\":\"30s\"}}' {--es-url}/{--es-index}/_settings`",
        ],
    };

    /// <summary>One document is larger than memory can hold in one piece.</summary>
    public static readonly ErrorCode AnswerTooLarge = new(
        "elasticsearch.answer_too_large", FailureKind.Environment, "An answer with one document only is larger than 2 GiB.", "Leave the document out with --query.")
    {
        Steps =
        [
            "Find the fields that are as large as that: `{es-curl} '{--es-url}/{--es-index}/_mapping?pretty'`",
            "Do without them: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>A view was lost too often.</summary>
    public static readonly ErrorCode ViewNeverHolds = new(
        "elasticsearch.view_never_holds", FailureKind.Environment, "The view that is read from was lost so often that the data can't be read as a whole.",
        "Grant the index privilege monitor, with which reading goes on where it was instead of beginning anew.")
    {
        EndsRun = true,
        Steps =
        [
            "See whether nodes restart or run out of memory: `{es-curl} '{--es-url}/_cat/nodes?v&h=name,uptime,heap.percent'`",
            "See what this user may do (Elasticsearch): `{es-curl} '{--es-url}/_security/user/_privileges?pretty'`",
        ],
    };
}
