using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace EsPipeline.Core.Configuration;

/// <summary>One option of an options record, as help and the binder see it.</summary>
public sealed class OptionDefinition
{
    private static readonly ConcurrentDictionary<Type, (PropertyInfo Property, OptionAttribute Attribute, object? Default)[]> Declared = new();

    private readonly OptionAttribute _attribute;
    private readonly string _prefix;

    private OptionDefinition(PropertyInfo property, OptionAttribute attribute, object? defaultValue, string prefix)
    {
        (Property, _attribute, DefaultValue, _prefix) = (property, attribute, defaultValue, prefix);
        ValueType = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
    }

    /// <summary>The record's property.</summary>
    public PropertyInfo Property { get; }

    /// <summary>The property's type without nullability.</summary>
    public Type ValueType { get; }

    /// <summary>What the record has when nothing is given.</summary>
    public object? DefaultValue { get; }

    /// <summary>The long name, <c>--es-url</c>; empty for what only the environment sets.</summary>
    public string Name => WithPrefix(_attribute.Name);

    /// <summary>Other long names.</summary>
    public IEnumerable<string> Aliases => _attribute.Aliases.Select(WithPrefix);

    /// <summary>Environment names, the first wins.</summary>
    public IEnumerable<string> Environment => _attribute.Environment.Select(InEnvironment);

    /// <summary>One sentence without a full stop.</summary>
    public string Description => _attribute.Description;

    /// <summary>The least number allowed.</summary>
    public double Min => _attribute.Min;

    /// <summary>The greatest number allowed.</summary>
    public double Max => _attribute.Max;

    /// <summary>True for an option that needs no value.</summary>
    public bool IsFlag => ValueType == typeof(bool);

    /// <summary>True for what must never be printed.</summary>
    public bool IsSecret => ValueType == typeof(Secret);

    /// <summary>True for an address, which may hold a password.</summary>
    public bool IsAddress => _attribute.Address;

    /// <summary>True where another value means another job.</summary>
    public bool IsIdentity => _attribute.Identity;

    /// <summary>True where another value gives another default name to the job.</summary>
    public bool NamesJob => _attribute.Identity || _attribute.NamesJob;

    /// <summary>True for a list whose items may hold commas.</summary>
    public bool IsRepeated => _attribute.Repeated;

    /// <summary>The names of the options before which this one gives way.</summary>
    public IEnumerable<string> GivesWayTo => _attribute.GivesWayTo.Select(n => n.StartsWith('-') ? WithPrefix(n) : InEnvironment(n));

    /// <summary>The same option of the source where the sink, without one of its own, has the source's value; null elsewhere.</summary>
    public OptionDefinition? OfSource => _attribute.ForBothEnds && _prefix.Length > 0 ? new OptionDefinition(Property, _attribute, DefaultValue, "") : null;

    /// <summary>True where several values may be given.</summary>
    public bool IsList => ValueType != typeof(string) && ValueType.IsAssignableTo(typeof(IEnumerable));

    /// <summary>How a person is to call it: the option's name, or the first environment name.</summary>
    public string DisplayName => Name.Length > 0 ? Name : Environment.First();

    /// <summary>The names of an enumeration's values; empty for other types.</summary>
    public IReadOnlyList<string> Choices => ValueType.IsEnum ? [.. Enum.GetValues(ValueType).Cast<Enum>().Select(EnumText.Kebab)] : [];

    /// <summary>What stands for the value in help.</summary>
    public string ValueText => _attribute.Value.Length > 0 ? _attribute.Value
        : ValueType.IsEnum ? string.Join('|', Choices)
        : IsFlag ? ""
        : ValueType == typeof(TimeSpan) ? "DURATION"
        : ValueType == typeof(TimeText) ? "TIME"
        : ValueType == typeof(string) || IsSecret ? "TEXT"
        : IsList ? "A,B"
        : "N";

    /// <summary>True where the default is another on another machine or for another system, so that only words can tell it.</summary>
    public bool DependsOnMachine => _attribute.Default.Length > 0;

    /// <summary>The default as help shows it; empty where there is none.</summary>
    public string DefaultText => _attribute.Default.Length > 0 ? _attribute.Default : Format(DefaultValue);

    /// <summary>The options of a record, in the order of its properties; what it has from another record comes first.</summary>
    /// <param name="record">A record with a constructor without parameters.</param>
    /// <param name="prefix">Put before every name where a system serves both ends: <c>sink</c>.</param>
    public static IReadOnlyList<OptionDefinition> Of(Type record, string prefix = "") =>
        [.. Declared.GetOrAdd(record, Read).Select(d => new OptionDefinition(d.Property, d.Attribute, d.Default, prefix))];

    // Read once for each record: asking a property twice by reflection has code made for it, which is felt in the time that a start takes.
    private static (PropertyInfo Property, OptionAttribute Attribute, object? Default)[] Read(Type record)
    {
        var defaults = Activator.CreateInstance(record)!;
        return [.. record.GetProperties()
            .OrderBy(p => Depth(p.DeclaringType!))
            .Select(p => (Property: p, Attribute: p.GetCustomAttribute<OptionAttribute>()))
            .Where(p => p.Attribute is not null)
            .Select(p => (p.Property, p.Attribute!, p.Property.GetValue(defaults)))];
    }

    /// <summary>A value of this option as it may be shown.</summary>
    public string Show(object? value) => IsAddress && value is string address ? AddressText.Hide(address) : Format(value);

    /// <summary>True where that is not the whole value: it is a secret, or an address with a password in it.</summary>
    public bool HoldsSecret(object? value) => IsSecret || (value is string text && Show(text) != text);

    /// <summary>A value as it could be typed, secrets and passwords within URLs as <c>***</c>: a job's name does not change with a password.</summary>
    public static string Format(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        TimeSpan duration => DurationText.Format(duration),
        Enum choice => EnumText.Kebab(choice),
        string text => AddressText.HideIn(text),
        IEnumerable<string> list => Format(string.Join(',', list)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;

    private string InEnvironment(string name) => _prefix.Length == 0 ? name : _prefix.ToUpperInvariant() + "_" + name;

    private string WithPrefix(string name) => _prefix.Length == 0 || name.Length == 0 ? name : $"--{_prefix}-{name[2..]}";
}

/// <summary>Enumeration members as the command line writes them: <c>FullSync</c> is <c>full-sync</c>.</summary>
public static class EnumText
{
    /// <summary>The member's name in lower case with dashes between its words.</summary>
    public static string Kebab(Enum value)
    {
        var text = new StringBuilder();
        foreach (var c in value.ToString())
        {
            if (char.IsUpper(c) && text.Length > 0) text.Append('-');
            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }

    /// <summary>The member that a person means, by its name or another spelling, in any case, with dashes or underscores; null for none.</summary>
    public static Enum? Parse(Type type, string text)
    {
        var name = text.Replace('_', '-').ToLowerInvariant();
        return Enum.GetValues(type).Cast<Enum>().FirstOrDefault(member =>
            Kebab(member) == name || type.GetField(member.ToString())!.GetCustomAttribute<AlsoKnownAsAttribute>()?.Names.Contains(name) == true);
    }
}
