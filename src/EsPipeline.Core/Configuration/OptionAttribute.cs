namespace EsPipeline.Core.Configuration;

/// <summary>
/// Makes a property of an options record an option: its name, its sentence, its environment names and its limits. Help, the README's
/// tables and <c>env.example</c> are made from it.
/// </summary>
/// <param name="name">The long name with its dashes, <c>--es-url</c>; empty for what only the environment sets.</param>
/// <param name="description">One sentence without a full stop.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute(string name, string description) : Attribute
{
    /// <summary>The long name; empty for what only the environment sets.</summary>
    public string Name { get; } = name;

    /// <summary>One sentence without a full stop.</summary>
    public string Description { get; } = description;

    /// <summary>Other long names, kept for jobs that use them.</summary>
    public string[] Aliases { get; init; } = [];

    /// <summary>Environment names; the first that is set and not empty counts.</summary>
    public string[] Environment { get; init; } = [];

    /// <summary>What stands for the value in help: <c>URL</c>.</summary>
    public string Value { get; init; } = "";

    /// <summary>How the default is described where it depends on something: <c>cores, 2 to 8</c>.</summary>
    public string Default { get; init; } = "";

    /// <summary>True for an address, or several with commas, in which somebody may write a password, in the right form or not.</summary>
    public bool Address { get; init; }

    /// <summary>
    /// Options of the same record, or environment names of those without a name, that this one can't stand beside: where one of them was given in a place that goes before this one's (on the
    /// command line, and this one in the environment), this one counts as not given.
    /// </summary>
    public string[] GivesWayTo { get; init; } = [];

    /// <summary>True where both ends of one system have the source's value, unless the sink is given one of its own.</summary>
    public bool ForBothEnds { get; init; }

    /// <summary>For a list: true where a value may hold commas, and the option is given once for each item.</summary>
    public bool Repeated { get; init; }

    /// <summary>True where another value means another job: it goes into the job's identity and its default name.</summary>
    public bool Identity { get; init; }

    /// <summary>
    /// True where another value gives another default name to the job, though it may be the same job under another address (a host, a path).
    /// </summary>
    public bool NamesJob { get; init; }

    /// <summary>The longest that a timer of .NET can wait, 2^32 - 2 ms, in whole days and in seconds: for <see cref="Max"/> of what is waited for.</summary>
    public const double LongestTimer = 49 * 86_400;

    /// <summary>The least number allowed; of a duration, in seconds.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    /// <summary>The greatest number allowed; of a duration, in seconds.</summary>
    public double Max { get; init; } = double.PositiveInfinity;
}

/// <summary>Other spellings of an enumeration's value, in lower case.</summary>
/// <param name="names">The spellings.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class AlsoKnownAsAttribute(params string[] names) : Attribute
{
    /// <summary>The spellings.</summary>
    public IReadOnlyList<string> Names { get; } = names;
}

/// <summary>Options of which an address and its parts mean one thing together, so that it matters where each was given.</summary>
public interface IOptionsWithOrigins
{
    /// <summary>Where an option of the record was given, by its name without a prefix.</summary>
    Func<string, OptionOrigin> OriginOf { get; set; }
}

/// <summary>Options that can tell what is wrong with them together.</summary>
public interface IValidatedOptions
{
    /// <summary>A sentence for each mistake, naming the option; empty when all is well.</summary>
    IEnumerable<string> Mistakes();
}
