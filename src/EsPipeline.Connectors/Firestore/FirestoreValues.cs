namespace EsPipeline.Connectors.Firestore;

/// <summary>How a document of Firestore's looks outside of it.</summary>
public enum FirestoreValues
{
    /// <summary>Plain JSON: a timestamp is text, a point an object, bytes are base64. What every other system understands, but not every type comes back.</summary>
    Json,

    /// <summary>
    /// Firestore's own JSON of the fields, as it has them (https://cloud.google.com/firestore/docs/reference/rest/v1/Value):
    /// <c>{"n":{"integerValue":"1"}}</c>. Nothing is lost, and a document's key is its id as it is.
    /// </summary>
    Typed,
}
