namespace EsPipeline.Core.Sources;

/// <summary>What kind of value a field holds, in terms that every system shares.</summary>
public enum FieldKind
{
    /// <summary>Not known; the JSON value itself decides.</summary>
    Unknown,

    /// <summary>Text that is compared as a whole.</summary>
    Keyword,

    /// <summary>Text that is searched.</summary>
    Text,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A whole number of up to 64 bits.</summary>
    Integer,

    /// <summary>A binary floating-point number.</summary>
    Double,

    /// <summary>A decimal number of any precision.</summary>
    Decimal,

    /// <summary>A point in time; see <see cref="SourceField.Format"/>.</summary>
    Timestamp,

    /// <summary>A latitude and a longitude.</summary>
    GeoPoint,

    /// <summary>Bytes, as base64 text.</summary>
    Binary,

    /// <summary>An object with fields of its own.</summary>
    Object,

    /// <summary>A list of objects, each of which is searched on its own.</summary>
    Nested,

    /// <summary>Any JSON value.</summary>
    Json,
}

/// <summary>One field of the documents.</summary>
/// <param name="Path">Its dotted path, such as <c>address.city</c>.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="NativeType">The source's own name of the type, such as <c>scaled_float</c> or <c>timestamptz</c>.</param>
/// <param name="Format">For a time, the source's format, such as <c>epoch_millis</c> or <c>strict_date_optional_time</c>; null elsewhere.</param>
public sealed record SourceField(string Path, FieldKind Kind, string NativeType, string? Format = null)
{
    /// <summary>The most characters that a value can have, where the source says so.</summary>
    public int? MaxLength { get; init; }

    /// <summary>True where the field may be missing or null.</summary>
    public bool Nullable { get; init; } = true;
}

/// <summary>The fields that a source's documents have, as far as the source knows them.</summary>
/// <param name="Fields">In the source's order.</param>
public sealed record SourceSchema(IReadOnlyList<SourceField> Fields)
{
    /// <summary>
    /// True where the fields are what the documents are for, such as counts to be summed: a sink that can't take a value as its field's type
    /// refuses the document, rather than leave the value out of searches and sums in silence.
    /// </summary>
    public bool IsExact { get; init; }

    /// <summary>A source that knows nothing of its documents beforehand.</summary>
    public static SourceSchema Unknown { get; } = new([]);
}
