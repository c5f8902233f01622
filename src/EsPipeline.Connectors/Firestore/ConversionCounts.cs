namespace EsPipeline.Connectors.Firestore;

/// <summary>What has another form on one side of Firestore than on the other.</summary>
internal enum Conversion
{
    /// <summary>A number that neither 64 bits nor a double hold, kept as text.</summary>
    NumberAsText,

    /// <summary>A number with a fraction or an exponent and more digits than a double holds, kept as the nearest double.</summary>
    NumberRounded,

    /// <summary>Something in a date field that is not a time, kept as it is.</summary>
    TimeKept,

    /// <summary>A time whose digits below a microsecond were cut.</summary>
    TimeCut,

    /// <summary>Something in a geo_point field that is not a point within the Earth's bounds, kept as it is.</summary>
    GeoPointKept,

    /// <summary>Something in a binary field that is not base64, kept as it is.</summary>
    BinaryKept,

    /// <summary>An array within an array, taken into the outer one.</summary>
    ArrayFlattened,

    /// <summary>A shape, kept as the text of its JSON because Firestore has no arrays in arrays.</summary>
    ShapeAsText,

    /// <summary>Half of a surrogate pair, which no text can hold, replaced by U+FFFD.</summary>
    TextRepaired,

    /// <summary>A timestamp, which became text in plain JSON.</summary>
    TimestampAsText,

    /// <summary>Bytes, which became base64 text in plain JSON.</summary>
    BytesAsText,

    /// <summary>A geographical point, which became an object in plain JSON.</summary>
    PointAsObject,

    /// <summary>A reference, which became the text of its path in plain JSON.</summary>
    ReferenceAsText,

    /// <summary>A vector, which became an array in plain JSON.</summary>
    VectorAsArray,

    /// <summary>NaN or an infinity, which became text in plain JSON.</summary>
    NotFiniteAsText,
}

/// <summary>How many values were converted, by the kind of conversion. Not thread-safe: one for each write, added up afterwards.</summary>
internal sealed class ConversionCounts
{
    private static readonly int Kinds = Enum.GetValues<Conversion>().Length;

    private readonly long[] _counts = new long[Kinds];

    /// <summary>True where there is any.</summary>
    public bool Any { get; private set; }

    /// <summary>How many values were converted in this way.</summary>
    public long this[Conversion kind] => _counts[(int)kind];

    /// <summary>References that lead to documents of another database, as they did.</summary>
    public long ReferencesElsewhere { get; set; }

    /// <summary>Counts one.</summary>
    public void Add(Conversion kind)
    {
        _counts[(int)kind]++;
        Any = true;
    }

    /// <summary>Adds another's counts.</summary>
    public void Add(ConversionCounts other)
    {
        ReferencesElsewhere += other.ReferencesElsewhere;
        if (!other.Any) return;
        for (var i = 0; i < Kinds; i++) _counts[i] += other._counts[i];
        Any = true;
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        ReferencesElsewhere = 0;
        if (!Any) return;
        Array.Clear(_counts);
        Any = false;
    }

    /// <summary>The counts in words; empty where there are none.</summary>
    public override string ToString() => string.Join(", ", Enum.GetValues<Conversion>().Where(k => this[k] > 0).Select(k => $"{this[k]} {Words(k)}"));

    private static string Words(Conversion kind) => kind switch
    {
        Conversion.NumberAsText => "numbers beyond 64 bits as text",
        Conversion.NumberRounded => "numbers of more digits than a double holds, rounded",
        Conversion.TimeKept => "values of date fields that are no time, as they are",
        Conversion.TimeCut => "times cut to microseconds",
        Conversion.GeoPointKept => "values of geo_point fields that are no point, as they are",
        Conversion.BinaryKept => "values of binary fields that are not base64, as they are",
        Conversion.ArrayFlattened => "arrays within arrays, taken into the outer one",
        Conversion.ShapeAsText => "shapes as the text of their JSON",
        Conversion.TimestampAsText => "timestamps as text",
        Conversion.BytesAsText => "bytes as base64 text",
        Conversion.PointAsObject => "points as objects",
        Conversion.ReferenceAsText => "references as text",
        Conversion.VectorAsArray => "vectors as arrays",
        Conversion.NotFiniteAsText => "NaN and infinities as text",
        _ => "texts with half a surrogate pair, which became U+FFFD",
    };
}
