using System.Security.Cryptography;
using System.Text;

namespace EsPipeline.Core.Checkpoints;

/// <summary>
/// What makes a job the job that it is: both ends, the servers' own identities, the selection and the transform, as named values.
/// Two runs share positions only if all of them are equal. Holds no secret and no address.
/// </summary>
public sealed class JobIdentity
{
    /// <param name="parts">Named values, such as <c>source.cluster</c>.</param>
    public JobIdentity(IEnumerable<KeyValuePair<string, string>> parts)
    {
        Parts = new SortedDictionary<string, string>(new Dictionary<string, string>(parts), StringComparer.Ordinal);
    }

    /// <summary>The values, by name.</summary>
    public IReadOnlyDictionary<string, string> Parts { get; }

    /// <summary>A SHA-256 over names and values, as lower-case hex.</summary>
    public string Hash
    {
        get
        {
            var text = new StringBuilder();
            foreach (var (name, value) in Parts) text.Append(name.Length).Append(':').Append(name).Append(value.Length).Append(':').Append(value);
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
        }
    }

    internal const string SinkName = "sink";

    /// <summary>The values that tell which sink it is, for a person and to compare.</summary>
    public string Sink => string.Join(", ", Parts.Where(p => p.Key == SinkName || p.Key.StartsWith(SinkName + ".", StringComparison.Ordinal)).Select(p => $"{p.Key} '{p.Value}'"));

    /// <summary>What is different in <paramref name="other"/>, a line each, in the words of a person; empty when they are equal.</summary>
    public IReadOnlyList<string> Differences(JobIdentity other)
    {
        var lines = new List<string>();
        foreach (var name in Parts.Keys.Union(other.Parts.Keys).Order(StringComparer.Ordinal))
        {
            var (mine, theirs) = (Parts.GetValueOrDefault(name), other.Parts.GetValueOrDefault(name));
            if (mine != theirs) lines.Add($"{name} was {Show(mine)} and is now {Show(theirs)}");
        }

        return lines;

        static string Show(string? value) => value is null ? "not set" : $"'{value}'";
    }
}
