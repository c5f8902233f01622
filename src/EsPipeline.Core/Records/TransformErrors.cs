using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Records;

/// <summary>Why a record could not be transformed.</summary>
public static class TransformErrors
{
    /// <summary>The document has no usable key in <c>--id-field</c>.</summary>
    public static readonly ErrorCode NoId = new(
        "transform.no_id",
        FailureKind.Permanent,
        "The field that is to be the record's key is missing, null, empty, or not a text or a number.",
        "Choose another --id-field, or mend the document at the source.")
    {
        Steps =
        [
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
            "Take the key from another field than {--id-field}: `--id-field FIELD`",
        ],
    };

    /// <summary>A delete has no document to take a key from.</summary>
    public static readonly ErrorCode DeleteWithoutDocument = new(
        "transform.delete_without_document",
        FailureKind.Permanent,
        "A deleted record has no document any more, so --id-field can't find the key under which the sink holds it.",
        "Delete it in the sink by hand, or copy without --id-field.")
    {
        Steps =
        [
            "See what is left over in the sink: the same command as `espipe verify`",
            "Once you have seen it, delete it: the same command as `espipe verify --prune --max-deletes N`",
        ],
    };

    /// <summary>The document is not a JSON object.</summary>
    public static readonly ErrorCode NotAnObject = new(
        "transform.not_an_object",
        FailureKind.Permanent,
        "The document is not a JSON object.",
        "Mend the document at the source.")
    {
        Steps = ["See what else would be refused, with nothing written: the same command as `espipe plan`"],
    };

    /// <summary>A field's new name is taken.</summary>
    public static readonly ErrorCode NameTaken = new(
        "transform.name_taken",
        FailureKind.Permanent,
        "A field can't be renamed, because the document has another field of that name already.",
        "Choose another name, or leave the field that has it out with --exclude-fields.")
    {
        Steps =
        [
            "See how many documents have both, with nothing written: the same command as `espipe plan`",
            "Leave out the field that has the name already: `--exclude-fields NAME`",
            "Or choose a name that no document has: `--rename FIELD=NAME`",
        ],
    };
}
