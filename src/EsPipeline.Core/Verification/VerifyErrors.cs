using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Verification;

/// <summary>What can keep two ends from being compared, or made equal.</summary>
public static class VerifyErrors
{
    /// <summary>The sink can't say how a record reads back.</summary>
    public static readonly ErrorCode NotComparable = new(
        "verify.not_comparable",
        FailureKind.Environment,
        "What the sink makes of a record can't be foretold or read back, so the two ends can't be compared.",
        "Compare without what changes documents on their way, such as an ingest pipeline.")
    {
        Steps = ["See how the job is made up: the same command with `--config-check`"],
    };

    /// <summary>The source can be read once only.</summary>
    public static readonly ErrorCode ReadOnce = new(
        "verify.read_once",
        FailureKind.Environment,
        "The source can be read only once, and what differs has to be looked at a second time.",
        "Put the data into a file and name that as the source.")
    {
        Steps = ["Put what comes in on standard input into a file: `cat >data.jsonl`"],
    };

    /// <summary>A file can't be mended in the middle.</summary>
    public static readonly ErrorCode CannotRepair = new(
        "verify.cannot_repair",
        FailureKind.Environment,
        "The sink writes from the beginning to the end: it can neither replace a record nor delete one.",
        "Copy it anew: remove the output and the job's checkpoint, and run again.")
    {
        Steps = ["Forget the job's position: `espipe checkpoint reset {job-options}`"],
    };

    /// <summary>What is to be written can't be found at the source by the sink's keys.</summary>
    public static readonly ErrorCode OtherKeys = new(
        "verify.other_keys",
        FailureKind.Environment,
        "The sink writes keys otherwise than the source, so --repair can't tell which records to write; nothing was written or deleted.",
        "Copy the source once more with an ordinary run: it replaces what differs and adds what is missing.")
    {
        Steps = ["Forget the job's position, so that the next run copies all: `espipe checkpoint reset {job-options}`"],
    };

    /// <summary>More would be deleted than allowed.</summary>
    public static readonly ErrorCode TooManyDeletes = new(
        "verify.too_many_deletes",
        FailureKind.Environment,
        "More documents of the sink are not in the source than --max-deletes allows to delete; nothing was written or deleted.",
        "Look at the keys that 'espipe verify' lists; if they are to go, give a greater --max-deletes.")
    {
        Steps = ["See the keys, with nothing written: the same command without `--prune --max-deletes`"],
    };

    /// <summary>What is extra is not known for certain.</summary>
    public static readonly ErrorCode UncertainExtras = new(
        "verify.uncertain_extras",
        FailureKind.Environment,
        "Which documents of the sink are not in the source is not certain, so none is deleted; nothing was written either.",
        "Mend what could not be read at the source, or leave --prune out.")
    {
        Steps = ["See what could not be read, with its place: the same command without `--repair --prune --max-deletes`"],
    };

    /// <summary>What does not fit into memory can't be kept elsewhere.</summary>
    public static readonly ErrorCode NoRoom = new(
        "verify.no_room",
        FailureKind.Environment,
        "The keys do not fit into the memory that they may take, and the temporary file for them can't be used.",
        "Free disk space, or set TMPDIR to a folder with room: about 50 bytes a record and end.")
    {
        Steps = ["See how much room is left in the folder for temporary files: `df -h \"${TMPDIR:-/tmp}\"`"],
    };

    /// <summary>The snapshot was lost again and again.</summary>
    public static readonly ErrorCode Unsteady = new(
        "verify.unsteady",
        FailureKind.Transient,
        "An end could not be read as of one moment: the view that it was read from was lost each time.",
        "Run it again when the server is calmer.")
    {
        Steps = ["See how both ends stand: the same command with `--mode health-check`"],
    };

    /// <summary>A record that the job set aside.</summary>
    public static readonly ErrorCode SetAside = new(
        "verify.set_aside",
        FailureKind.Permanent,
        "A run has set the record aside, and the sink does not hold it.",
        "See why with 'espipe dead-letters show'; once the cause is mended, 'espipe dead-letters replay' sends it again.")
    {
        Steps = ["See why: `espipe dead-letters show {job-options}`"],
    };

    /// <summary>A document that would be unreadable in the sink.</summary>
    public static readonly ErrorCode UnreadableThere = new(
        "verify.unreadable_there",
        FailureKind.Permanent,
        "The sink takes the record, but in a form in which it can't be told again whose it is.",
        "Give the documents a usable id, or use the sink 'file', which keeps key and document apart.")
    {
        Steps =
        [
            "Write key and document apart: `--sink file`",
            "Or take the key from another field: `--id-field FIELD`",
        ],
    };
}
