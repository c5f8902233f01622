namespace EsPipeline.Api.Indices;

/// <summary>One field of an index, as its mapping has it.</summary>
/// <param name="Name">The path, with dots.</param>
/// <param name="Type">The server's name of its type; several where indices behind one alias do not agree: <c>keyword|long</c>.</param>
/// <param name="Nested">The nested object that it is in; null for none.</param>
/// <param name="Exact">For a text field, or a keyword that is changed by a normalizer: its sub-field by which whole values are compared and sorted; null where there is none.</param>
/// <param name="Longest">How many characters a whole value may have to be found by it (<c>ignore_above</c>); null for any number.</param>
/// <param name="IsKept">False where the server keeps its values in the document alone, neither searchable nor by columns (<c>index</c> and <c>doc_values</c> off).</param>
/// <param name="Target">Of a field alias, what it stands for; null for any other field.</param>
/// <param name="InFlattened">True for a name in a flattened field, which no mapping has.</param>
internal sealed record IndexField(string Name, string Type, string? Nested, string? Exact, int? Longest = null, bool IsKept = true, string? Target = null, bool InFlattened = false)
{
    /// <summary>True for an object, which holds no value itself.</summary>
    public bool IsObject => Type is "object" or "nested" or "passthrough";

    /// <summary>True where a whole object is kept as one field, and each name in it can be searched as well; also where only one index of several has it so.</summary>
    public bool IsFlattened => Type.Split('|').Any(t => t is "flattened" or "flat_object");

    /// <summary>True where a value is taken apart into words.</summary>
    public bool IsText => IsTextType(Type);

    /// <summary>True where values are put in order letter by letter; also where only one index of several does so.</summary>
    public bool IsComparedAsText => Type.Split('|').Any(t => IsTextType(t) || t is "keyword" or "constant_keyword" or "wildcard" or "flattened" or "flat_object");

    /// <summary>True for whole numbers and fractions.</summary>
    public bool IsNumber => Type is "long" or "integer" or "short" or "byte" or "unsigned_long" or "double" or "float" or "half_float" or "scaled_float";

    /// <summary>True for true and false.</summary>
    public bool IsBoolean => Type is "boolean";

    /// <summary>True for times.</summary>
    public bool IsDate => Type is "date" or "date_nanos" or "date_range";

    /// <summary>True where documents can be put in its order, besides text by its sub-field.</summary>
    public bool IsSortable => IsNumber || IsBoolean || Type is "keyword" or "constant_keyword" or "wildcard" or "ip" or "version" or "date" or "date_nanos" or "murmur3";

    /// <summary>Why the documents without this field can't be told from those whose value is not in the index; null where they can.</summary>
    public string? WhyAbsenceIsUnknown =>
        !IsKept ? $"'{Name}' is in the documents alone and not in the index (index and doc_values are off in the mapping), so which documents lack it can't be found out."
        : Longest is not null && !IsText ? $"Which documents lack '{Name}' can't be found out: values longer than {Longest} characters are not in the index either (ignore_above in the mapping)."
        : null;

    /// <summary>True for the types that take a value apart into words.</summary>
    public static bool IsTextType(string type) => type is "text" or "match_only_text" or "search_as_you_type" or "annotated_text";

    /// <summary>What whoever asks for a value of so many characters has to know.</summary>
    public string TooLong(int length) => $"'{Name}' can be searched for whole values of up to {Longest} characters (ignore_above in the mapping), not for one of {length}.";
}
