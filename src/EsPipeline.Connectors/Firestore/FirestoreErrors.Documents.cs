using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Firestore;

/// <content>What can be wrong with one document.</content>
public static partial class FirestoreErrors
{
    /// <summary>The server refuses a document.</summary>
    public static readonly ErrorCode Refused = new(
        "firestore.refused", FailureKind.Permanent, "Firestore refuses the document.", "Look at its words in the reason, and mend or reshape the document.")
    {
        Steps = ["See what else would be refused, with nothing written: the same command as `espipe plan`"],
    };

    /// <summary>The document is too large.</summary>
    public static readonly ErrorCode DocumentTooLarge = new(
        "firestore.document_too_large", FailureKind.Permanent, "The document has more than 1,048,576 bytes by Firestore's formula.",
        "Leave out its large fields with --exclude-fields, then replay the dead letters.")
    {
        Steps =
        [
            "See which others are too large, with their sizes: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>One value is too large.</summary>
    public static readonly ErrorCode ValueTooLarge = new(
        "firestore.value_too_large", FailureKind.Permanent, "A text or bytes value has more than 1,048,487 bytes.",
        "Leave the field out with --exclude-fields, then replay the dead letters.")
    {
        Steps =
        [
            "See which others are too large: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>Too many levels.</summary>
    public static readonly ErrorCode TooDeep = new(
        "firestore.too_deep", FailureKind.Permanent, "The document has maps and arrays more than 20 levels deep.", "Leave the deep field out with --exclude-fields.")
    {
        Steps =
        [
            "See which others are too deep: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>One object has two fields of one name.</summary>
    public static readonly ErrorCode NameTwice = new(
        "firestore.name_twice", FailureKind.Permanent, "The document has a field twice in one object, and Firestore would keep only one of its values.",
        "Rename or take away one of the two in the source.")
    {
        Steps =
        [
            "See which others have a field twice: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>With typed values: not Firestore's own JSON.</summary>
    public static readonly ErrorCode NotTyped = new(
        "firestore.not_typed", FailureKind.Permanent, "With --firestore-values typed, a document has to be Firestore's own JSON and its key the id; this one is not.",
        "Leave --firestore-values away for documents in plain JSON. A file whose lines hold the key as a field needs --exclude-fields with that field.")
    {
        Steps =
        [
            "See which others are not: the same command as `espipe plan`",
            "Write plain JSON: the same command with `--firestore-values json`",
        ],
    };

    /// <summary>The key is too long.</summary>
    public static readonly ErrorCode IdTooLong = new(
        "firestore.id_too_long", FailureKind.Permanent, "The key is longer than the 1,500 bytes that a document's id can have.", "Choose another --id-field.")
    {
        Steps =
        [
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
            "Take the key from another field: `--id-field FIELD`",
        ],
    };

    /// <summary>A field's name is too long.</summary>
    public static readonly ErrorCode FieldNameTooLong = new(
        "firestore.field_name_too_long", FailureKind.Permanent, "A field's name, with the names that lead to it, is longer than 1,500 bytes.", "Rename it at the source, or leave it out with --exclude-fields.")
    {
        Steps =
        [
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
            "Give the field another name: `--rename OLD=NEW`",
        ],
    };

    /// <summary>The server breaks at one document.</summary>
    public static readonly ErrorCode DocumentFailed = new(
        "firestore.document_failed", FailureKind.Transient, "Firestore fails inside at one document, while it takes others.",
        "Look at https://status.firebase.google.com, then replay the dead letters.")
    {
        MayBlameRecord = true,
        Steps = ["See whether it answers this machine: `curl -sSI {firestore-url}`"],
    };
}
