using System.Security.Cryptography;
using System.Text;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// The name of a job's replication slot and publication where none is given. Two jobs must not share a slot: each would move it over changes
/// that the other has not read.
/// </summary>
internal static class SlotName
{
    /// <summary>The longest name (NAMEDATALEN - 1).</summary>
    public const int MostCharacters = 63;

    private const string Prefix = "espipe";

    /// <summary>True for what a slot's name may hold.</summary>
    public static bool Takes(char c) => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_';

    /// <summary>The name for a job: its own, and a sum of it where that would not be the name of this job alone.</summary>
    /// <param name="job">The job's name; null for none.</param>
    public static string For(string? job)
    {
        if (job is null) return Prefix;
        var name = Prefix + "_" + string.Concat(job.ToLowerInvariant().Select(c => Takes(c) ? c : '_'));
        if (name.Length <= MostCharacters && job.All(c => c == '-' || (c != '_' && Takes(c)))) return name;
        var sum = "_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(job)))[..8];
        return name[..Math.Min(name.Length, MostCharacters - sum.Length)] + sum;
    }
}
