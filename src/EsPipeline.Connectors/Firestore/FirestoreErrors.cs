using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Firestore;

/// <summary>What Firestore, the way to it, or a document that is to go there can be wrong with.</summary>
public static partial class FirestoreErrors
{
    /// <summary>There is nothing to sign in with.</summary>
    public static readonly ErrorCode NoCredentials = new(
        "firestore.no_credentials", FailureKind.Environment, "There is no service account to sign in to Google Cloud with.",
        "Set FIREBASE_CLIENT_EMAIL and FIREBASE_PRIVATE_KEY, or GOOGLE_APPLICATION_CREDENTIALS, or FIRESTORE_EMULATOR_HOST; or run on a machine of Google Cloud.")
    {
        Steps =
        [
            "Make a key for a service account that may use Firestore: `gcloud iam service-accounts keys create key.json --iam-account NAME@{--firestore-project}.iam.gserviceaccount.com`",
            "Name the file: `export GOOGLE_APPLICATION_CREDENTIALS=\"$PWD/key.json\"`",
        ],
    };

    /// <summary>The key or the credentials file is of no use.</summary>
    public static readonly ErrorCode Key = new(
        "firestore.key", FailureKind.Environment, "Google does not accept the service account's key, or it can't be read.",
        "Make a new key for the service account in the Google Cloud console, and copy it whole, with its BEGIN and END lines.")
    {
        Steps = ["See which keys the account has, and whether they are still valid: `gcloud iam service-accounts keys list --iam-account {FIREBASE_CLIENT_EMAIL}`"],
    };

    /// <summary>Google's sign-in can't be reached.</summary>
    public static readonly ErrorCode SignIn = new(
        "firestore.sign_in", FailureKind.Transient, "Google's sign-in did not answer as it should.",
        "Check that this machine reaches oauth2.googleapis.com (or the metadata server); espipe tries again.")
    {
        Steps = ["See whether Google's sign-in answers: `curl -sSI https://oauth2.googleapis.com/token`"],
    };

    /// <summary>The token is not accepted.</summary>
    public static readonly ErrorCode Unauthenticated = new(
        "firestore.auth", FailureKind.Environment, "Firestore does not accept who espipe says it is.",
        "Check the service account's key and this machine's clock.")
    {
        Steps =
        [
            "Compare this machine's clock with the world's: `date -u`",
            "See whether the account's key is still valid: `gcloud iam service-accounts keys list --iam-account {FIREBASE_CLIENT_EMAIL}`",
        ],
    };

    /// <summary>The account may not.</summary>
    public static readonly ErrorCode PermissionDenied = new(
        "firestore.permission", FailureKind.Environment, "The service account may not do this in the database.",
        "Give it the role 'Cloud Datastore User' (roles/datastore.user) in the project, or 'Cloud Datastore Viewer' for reading only.")
    {
        Steps = ["Give the account the role: `gcloud projects add-iam-policy-binding {--firestore-project} --member serviceAccount:{FIREBASE_CLIENT_EMAIL} --role roles/datastore.user`"],
    };

    /// <summary>The interface is switched off.</summary>
    public static readonly ErrorCode ApiDisabled = new(
        "firestore.api_disabled", FailureKind.Environment, "The Firestore API is not enabled in the project.",
        "Enable it with 'gcloud services enable firestore.googleapis.com', wait a few minutes, and run the same command again.")
    {
        Steps = ["Enable it: `gcloud services enable firestore.googleapis.com --project {--firestore-project}`"],
    };

    /// <summary>No such project.</summary>
    public static readonly ErrorCode NoProject = new(
        "firestore.project", FailureKind.Environment, "There is no such project, or the account does not belong to it.", "Check --firestore-project.")
    {
        Steps = ["See which projects the account knows: `gcloud projects list`"],
    };

    /// <summary>No such database.</summary>
    public static readonly ErrorCode NoDatabase = new(
        "firestore.no_database", FailureKind.Environment, "The project has no such Firestore database.",
        "Check --firestore-project and --firestore-database, or create the database in native mode.")
    {
        Steps =
        [
            "See which databases the project has: `gcloud firestore databases list --project {--firestore-project}`",
            "Make one: `gcloud firestore databases create --project {--firestore-project} --database {--firestore-database} --location LOCATION`",
        ],
    };

    /// <summary>The database is not one for documents.</summary>
    public static readonly ErrorCode DatastoreMode = new(
        "firestore.datastore_mode", FailureKind.Environment, "The database is in Datastore mode, which has no documents.",
        "Create a Firestore database in native mode and name it with --firestore-database.")
    {
        Steps = ["See what kind each database is of: `gcloud firestore databases list --project {--firestore-project}`"],
    };

    /// <summary>The day's quota is used up.</summary>
    public static readonly ErrorCode Quota = new(
        "firestore.quota", FailureKind.Environment, "The project has used up a quota that comes back only with the next day, or never by itself.",
        "Enable billing or raise the quota, or run the same command again after midnight Pacific time: it goes on from the checkpoint.")
    {
        Steps =
        [
            "See the quotas and what is used of them: `gcloud alpha services quota list --service firestore.googleapis.com --consumer projects/{--firestore-project}`",
            "See whether the project has billing: `gcloud billing projects describe {--firestore-project}`",
        ],
    };

    /// <summary>Too fast, too much.</summary>
    public static readonly ErrorCode Throttled = new(
        "firestore.throttled", FailureKind.Transient, "Firestore asks for less: RESOURCE_EXHAUSTED.",
        "Lower --firestore-rate or --firestore-max-rate; if it says 'Quota exceeded' all the time, the day's free quota may be used up.")
    {
        Steps = ["Begin with fewer writes a second, now {--firestore-rate}, and let them grow less, now to {--firestore-max-rate}: `--firestore-rate 100 --firestore-max-rate 1000`"],
    };

    /// <summary>Writes got in each other's way.</summary>
    public static readonly ErrorCode Aborted = new(
        "firestore.aborted", FailureKind.Transient, "Firestore gave up a write because others touched the same data: ABORTED.",
        "Lower --firestore-max-rate if it stays; many writes to documents with rising ids or indexed times do this.")
    {
        Steps = ["Begin with fewer writes a second, now {--firestore-rate}, and let them grow less, now to {--firestore-max-rate}: `--firestore-rate 100 --firestore-max-rate 1000`"],
    };

    /// <summary>Not there at the moment.</summary>
    public static readonly ErrorCode Unavailable = new(
        "firestore.unavailable", FailureKind.Transient, "Firestore is not available at the moment.", "Look at https://status.firebase.google.com if it stays.")
    {
        Steps = ["See whether it answers this machine: `curl -sSI {firestore-url}`"],
    };

    /// <summary>Too slow, says the server.</summary>
    public static readonly ErrorCode DeadlineExceeded = new(
        "firestore.deadline", FailureKind.Transient, "Firestore did not finish in time: DEADLINE_EXCEEDED.", "Lower --max-batch-size if it stays.")
    {
        Steps = ["Write fewer at once: `--max-batch-size 100`"],
    };

    /// <summary>The server's own fault.</summary>
    public static readonly ErrorCode Internal = new(
        "firestore.internal", FailureKind.Transient, "Firestore failed inside.", "Look at https://status.firebase.google.com if it stays.")
    {
        Steps = ["See whether it answers this machine: `curl -sSI {firestore-url}`"],
    };

    /// <summary>Too slow, says espipe.</summary>
    public static readonly ErrorCode TimedOut = new(
        "firestore.timeout", FailureKind.Transient, "Firestore did not answer in time.", "Check the network between this machine and Google Cloud.")
    {
        Steps = ["See how long a connection takes: `curl -sS -o /dev/null -w '%{time_connect} s to connect, %{time_total} s in all' {firestore-url}`"],
    };

    /// <summary>No connection.</summary>
    public static readonly ErrorCode Connection = new(
        "firestore.connection", FailureKind.Transient, "The connection to Firestore can't be made or broke off.",
        "Check the network, a proxy or firewall in between, and FIRESTORE_EMULATOR_HOST where the emulator is meant.")
    {
        Steps = ["See whether Firestore can be reached from here: `curl -sSI {firestore-url}`"],
    };

    /// <summary>No such host.</summary>
    public static readonly ErrorCode Dns = new(
        "firestore.dns", FailureKind.Transient, "The name of Firestore's host is not found.", "Check this machine's DNS, and FIRESTORE_EMULATOR_HOST where the emulator is meant.")
    {
        Steps = ["See what this machine knows of the name: `getent hosts {firestore-host}`"],
    };

    /// <summary>The certificate is not accepted.</summary>
    public static readonly ErrorCode Tls = new(
        "firestore.tls", FailureKind.Environment, "The encrypted connection to Firestore can't be trusted.",
        "Check this machine's clock and root certificates; a proxy that opens TLS has to be known to the machine.")
    {
        Steps = ["See who has signed the certificate that arrives here: `openssl s_client -connect firestore.googleapis.com:443 </dev/null | openssl x509 -noout -issuer -dates`"],
    };

    /// <summary>Somebody else answered.</summary>
    public static readonly ErrorCode Redirected = new(
        "firestore.redirected", FailureKind.Environment, "The answer came from something that is not Firestore.", "Check for a proxy or a sign-in page of the network in between.")
    {
        Steps =
        [
            "See who answers: `curl -sSI {firestore-url}`",
            "See whether a proxy is set: `env | grep -i _proxy`",
        ],
    };

    /// <summary>Half an answer.</summary>
    public static readonly ErrorCode BadAnswer = new(
        "firestore.bad_answer", FailureKind.Transient, "Firestore's answer is cut off or can't be read.", "Check for a proxy in between if it stays.")
    {
        Steps =
        [
            "See whether a proxy is set: `env | grep -i _proxy`",
            "See what answers: `curl -sSI {firestore-url}`",
        ],
    };

    /// <summary>Refused, for a reason that has no code of its own.</summary>
    public static readonly ErrorCode Rejected = new(
        "firestore.rejected", FailureKind.Environment, "Firestore rejects the request.", "Look at its words in the message.")
    {
        Steps = ["See what kind of database it is: `gcloud firestore databases describe --project {--firestore-project} --database {--firestore-database}`"],
    };

    /// <summary>The document does not fit a request.</summary>
    public static readonly ErrorCode RequestTooLarge = new(
        "firestore.request_too_large", FailureKind.Permanent, "The document alone is more than one request may hold.",
        "Leave out its long lists with --exclude-fields, then replay the dead letters.")
    {
        Steps =
        [
            "See which others are too large: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>Not a document.</summary>
    public static readonly ErrorCode NotAnObject = new(
        "firestore.not_an_object", FailureKind.Permanent, "The document is not one JSON object.", "Mend the document at the source.")
    {
        Steps = ["See what else would be refused, with nothing written: the same command as `espipe plan`"],
    };

    /// <summary>A stored document can't be read.</summary>
    public static readonly ErrorCode Unreadable = new(
        "firestore.unreadable", FailureKind.Permanent, "A stored document has a value of a kind that espipe does not know.", "Report it; a newer espipe may know it.")
    {
        Steps =
        [
            "See which release this is: `espipe --version`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };
}
