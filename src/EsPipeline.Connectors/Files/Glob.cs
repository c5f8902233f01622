namespace EsPipeline.Connectors.Files;

/// <summary>
/// Patterns of file names as a shell has them: <c>*</c> is any text, <c>?</c> any character, <c>[a-c]</c> one of several and <c>[!a-c]</c> any other;
/// a backslash takes a character as it is (but on Windows, where it stands between folders).
/// </summary>
internal static class Glob
{
    private static readonly bool IgnoresCase = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS();

    /// <summary>True where a name may be a pattern.</summary>
    public static bool Is(ReadOnlySpan<char> name) => name.ContainsAny('*', '?', '[');

    /// <summary>True where a pattern stands for a name; for one that begins with a dot, which is hidden, only where the pattern does, too.</summary>
    public static bool IsMatch(ReadOnlySpan<char> glob, ReadOnlySpan<char> name)
    {
        if (name is ['.', ..] && glob is not ['.', ..]) return false;
        var (at, behindStar, starred) = (0, -1, 0);
        for (var i = 0; i < name.Length;)
        {
            if (at < glob.Length && glob[at] == '*')
            {
                (behindStar, starred) = (++at, i);
            }
            else if (at < glob.Length && Matching(glob[at..], name[i]) is > 0 and var length)
            {
                at += length;
                i++;
            }
            else if (behindStar >= 0)
            {
                // The last star takes one more character.
                (at, i) = (behindStar, ++starred);
            }
            else
            {
                return false;
            }
        }

        return glob[at..].TrimStart('*').IsEmpty;
    }

    // How much of the pattern stands for one character; 0 where it stands for another.
    private static int Matching(ReadOnlySpan<char> glob, char character) => glob switch
    {
        ['?', ..] => 1,
        ['[', ..] when ClassLength(glob) is > 0 and var length => IsIn(glob[1..(length - 1)], character) ? length : 0,
        ['\\', var literal, ..] when !OperatingSystem.IsWindows() => Fold(literal) == Fold(character) ? 2 : 0,
        _ => Fold(glob[0]) == Fold(character) ? 1 : 0,
    };

    // With its brackets; 0 where it is never closed, and the bracket a character as any other. A first one that closes is one of the class.
    private static int ClassLength(ReadOnlySpan<char> glob)
    {
        var first = glob.Length > 1 && glob[1] is '!' or '^' ? 3 : 2;
        var end = glob.Length > first ? glob[first..].IndexOf(']') : -1;
        return end < 0 ? 0 : first + end + 1;
    }

    private static bool IsIn(ReadOnlySpan<char> members, char character)
    {
        var others = members[0] is '!' or '^';
        if (others) members = members[1..];
        var folded = Fold(character);
        while (members is [var from, ..])
        {
            var isRange = members is [_, '-', _, ..];
            if (folded >= Fold(from) && folded <= Fold(isRange ? members[2] : from)) return !others;
            members = members[(isRange ? 3 : 1)..];
        }

        return others;
    }

    private static char Fold(char character) => IgnoresCase ? char.ToUpperInvariant(character) : character;
}
