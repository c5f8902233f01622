using System.Globalization;

namespace EsPipeline.Core.Configuration;

/// <summary>Where a value came from; a later one goes before an earlier one.</summary>
public enum OptionOrigin
{
    /// <summary>The record's default.</summary>
    Default,

    /// <summary>The <c>.env</c> file.</summary>
    EnvFile,

    /// <summary>The environment.</summary>
    Environment,

    /// <summary>The command line.</summary>
    CommandLine,
}

/// <summary>The value that an option has, and why.</summary>
/// <param name="Definition">The option.</param>
/// <param name="Value">Its value.</param>
/// <param name="Origin">Where it came from.</param>
/// <param name="OriginName">The name under which it was given there; empty for a default.</param>
public sealed record OptionValue(OptionDefinition Definition, object? Value, OptionOrigin Origin, string OriginName);

/// <summary>
/// Fills options records from the command line, the environment and the <c>.env</c> file, in that order, and collects every mistake
/// instead of stopping at the first.
/// </summary>
/// <param name="commandLine">What was given, by the option's main name.</param>
/// <param name="environment">The environment.</param>
/// <param name="envFile">The <c>.env</c> file's names and values.</param>
/// <param name="now">What an age such as <c>5m</c> is counted from.</param>
public sealed class OptionBinder(
    IReadOnlyDictionary<string, IReadOnlyList<string>> commandLine,
    IReadOnlyDictionary<string, string> environment,
    IReadOnlyDictionary<string, string> envFile,
    DateTimeOffset now)
{
    private readonly List<OptionValue> _values = [];
    private readonly List<string> _mistakes = [];

    /// <summary>Every value bound so far.</summary>
    public IReadOnlyList<OptionValue> Values => _values;

    /// <summary>Every mistake met so far, a sentence each, without secrets.</summary>
    public IReadOnlyList<string> Mistakes => _mistakes;

    /// <summary>Fills a record; what could not be read keeps its default and is a mistake.</summary>
    public T Bind<T>(string prefix = "") where T : new() => (T)Bind(typeof(T), prefix);

    /// <summary>Fills a record; what could not be read keeps its default and is a mistake.</summary>
    /// <param name="record">A record with a constructor without parameters.</param>
    /// <param name="prefix">Put before every name where a system serves both ends.</param>
    /// <param name="validate">False where a part of the record is enough for the caller, who then asks it for that part's mistakes.</param>
    /// <param name="complete">Tells the filled record what else it is to know before it is asked for mistakes.</param>
    public object Bind(Type record, string prefix = "", bool validate = true, Action<object>? complete = null)
    {
        var options = Activator.CreateInstance(record)!;
        var definitions = OptionDefinition.Of(record, prefix);
        var found = definitions.ToDictionary(d => d.DisplayName, Find);
        OptionOrigin OriginOf(string option) => found.TryGetValue(option, out var place) ? place.Origin : OptionOrigin.Default;
        if (options is IOptionsWithOrigins aware) aware.OriginOf = option => OriginOf(prefix.Length == 0 ? option : $"--{prefix}-{option[2..]}");
        foreach (var definition in definitions)
        {
            var (texts, origin, name) = found[definition.DisplayName];
            if (texts is null || definition.GivesWayTo.Any(other => OriginOf(other) > origin))
            {
                _values.Add(new OptionValue(definition, definition.DefaultValue, OptionOrigin.Default, ""));
                continue;
            }

            if (!TryConvert(definition, texts, out var value, out var problem))
            {
                var shown = definition.IsSecret ? "***" : string.Join(',', texts);
                _mistakes.Add($"{name}: '{shown}' is not {problem}.");
                continue;
            }

            definition.Property.SetValue(options, value);
            _values.Add(new OptionValue(definition, value, origin, name));
        }

        complete?.Invoke(options);
        if (validate && options is IValidatedOptions validated)
        {
            var names = new PrefixedNames(record, prefix);
            _mistakes.AddRange(validated.Mistakes().Select(names.In));
        }

        return options;
    }

    /// <summary>Adds a mistake that was found elsewhere.</summary>
    public void AddMistake(string sentence) => _mistakes.Add(sentence);

    private (IReadOnlyList<string>? Texts, OptionOrigin Origin, string Name) Find(OptionDefinition definition)
    {
        if (definition.Name.Length > 0 && commandLine.TryGetValue(definition.Name, out var given))
        {
            return (given, OptionOrigin.CommandLine, definition.Name);
        }

        foreach (var (values, origin) in new[] { (environment, OptionOrigin.Environment), (envFile, OptionOrigin.EnvFile) })
        {
            foreach (var name in definition.Environment)
            {
                if (values.TryGetValue(name, out var text) && text.Length > 0) return ([text], origin, name);
            }
        }

        return definition.OfSource is { } source ? Find(source) : (null, OptionOrigin.Default, "");
    }

    private bool TryConvert(OptionDefinition definition, IReadOnlyList<string> texts, out object? value, out string problem)
    {
        var text = texts[^1];
        var type = definition.ValueType;
        (value, problem) = (null, "");
        if (definition.IsList)
        {
            value = definition.IsRepeated ? texts.ToArray() : texts.SelectMany(t => t.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToArray();
        }
        else if (type == typeof(string))
        {
            value = text;
        }
        else if (type == typeof(Secret))
        {
            value = new Secret(text);
        }
        else if (type == typeof(bool))
        {
            value = text.ToLowerInvariant() switch
            {
                "true" or "1" or "yes" or "on" => true,
                "false" or "0" or "no" or "off" => false,
                _ => null,
            };
            problem = "true or false";
        }
        else if (type == typeof(TimeSpan))
        {
            value = DurationText.TryParse(text, out var duration) && duration.TotalSeconds >= definition.Min && duration.TotalSeconds <= definition.Max ? duration : null;
            var least = double.IsFinite(definition.Min) ? $" of at least {DurationText.Format(TimeSpan.FromSeconds(definition.Min))}" : "";
            var most = double.IsFinite(definition.Max) ? $" of at most {DurationText.Format(TimeSpan.FromSeconds(definition.Max))}" : "";
            var limits = least.Length > 0 && most.Length > 0 ? $"{least} and{most[" of".Length..]}" : least + most;
            problem = $"a duration{limits} such as 30s, 5m or 2h";
        }
        else if (type == typeof(TimeText))
        {
            value = TimeText.TryParse(text, now, out var time) ? time : null;
            problem = "a time such as 2024-01-01T00:00:00Z or 2024-01-01, or an age such as 5m";
        }
        else if (type.IsEnum)
        {
            value = EnumText.Parse(type, text);
            problem = "one of " + string.Join(", ", definition.Choices);
        }
        else
        {
            value = Number(definition, text, out problem);
        }

        return value is not null;
    }

    private static object? Number(OptionDefinition definition, string text, out string problem)
    {
        var whole = definition.ValueType != typeof(double);
        problem = (definition.Min, definition.Max) switch
        {
            ( > double.NegativeInfinity, < double.PositiveInfinity) => $"a number from {definition.Min} to {definition.Max}",
            ( > double.NegativeInfinity, _) => $"a number of at least {definition.Min}",
            _ => "a number",
        };
        if (whole) problem = problem.Replace("number", "whole number", StringComparison.Ordinal);
        var style = whole ? NumberStyles.AllowLeadingSign : NumberStyles.Float;
        if (!decimal.TryParse(text, style, CultureInfo.InvariantCulture, out var number)) return null;
        if ((double)number < definition.Min || (double)number > definition.Max) return null;
        try
        {
            return Convert.ChangeType(number, definition.ValueType, CultureInfo.InvariantCulture);
        }
        catch (OverflowException)
        {
            return null;
        }
    }
}
