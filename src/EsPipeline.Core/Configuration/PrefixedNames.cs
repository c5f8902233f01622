using System.Text.RegularExpressions;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Configuration;

/// <summary>
/// An end's options under the names that a person has to type. A record and the errors of its system know the options by their plain names;
/// where the system serves both ends, those are the source's, and the sink's have a prefix.
/// </summary>
/// <param name="record">The options record.</param>
/// <param name="prefix">What stands before the names; empty for nothing.</param>
public sealed partial class PrefixedNames(Type record, string prefix)
{
    private readonly Dictionary<string, string> _names = prefix.Length == 0 ? [] : NamesOf(record, prefix);

    /// <summary>The text with the names that have to be typed.</summary>
    public string In(string text) => _names.Count == 0 ? text : NameWords().Replace(text, word => _names.GetValueOrDefault(word.Value, word.Value));

    /// <summary>The error in these names: its sentences, and the steps that are made of it later.</summary>
    public PipelineException In(PipelineException error) => _names.Count == 0 || error.Names is not null ? error
        : new PipelineException(error.Error, In(error.Message), In(error.Remedy), error.InnerException) { RetryAfter = error.RetryAfter, Names = this };

    private static Dictionary<string, string> NamesOf(Type record, string prefix)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (plain, prefixed) in OptionDefinition.Of(record).Zip(OptionDefinition.Of(record, prefix)))
        {
            foreach (var (from, to) in plain.Environment.Append(plain.Name).Zip(prefixed.Environment.Append(prefixed.Name))) names.TryAdd(from, to);
        }

        names.Remove("");
        return names;
    }

    [GeneratedRegex("--[a-z][a-z0-9-]*|[A-Z][A-Z0-9_]+", RegexOptions.None, matchTimeoutMilliseconds: Timeout.Infinite)]
    private static partial Regex NameWords();
}
