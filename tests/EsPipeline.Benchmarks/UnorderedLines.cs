using System.Security.Cryptography;
using System.Text;

namespace EsPipeline.Benchmarks;

/// <summary>Compares files whose lines may stand in any order: the sum of all lines' hashes, and their number.</summary>
internal static class UnorderedLines
{
    /// <exception cref="InvalidOperationException">The file does not hold exactly these lines.</exception>
    public static void Verify(string file, IEnumerable<string> expected)
    {
        var wanted = Sum(expected);
        var found = Sum(File.ReadLines(file));
        if (found != wanted) throw new InvalidOperationException($"{Path.GetFileName(file)} has {found.Count} lines of other content than the {wanted.Count} that it must have.");
    }

    private static (long Count, UInt128 Sum) Sum(IEnumerable<string> lines)
    {
        var (count, sum) = (0L, UInt128.Zero);
        foreach (var line in lines)
        {
            count++;
            sum += new UInt128(BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(line))), 1);
        }

        return (count, sum);
    }
}
