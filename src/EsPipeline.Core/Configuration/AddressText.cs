using System.Text.RegularExpressions;

namespace EsPipeline.Core.Configuration;

/// <summary>
/// Passwords within addresses (invariant 7). Of what is meant to be an address, everything from the first colon after its scheme to its last
/// <c>@</c> counts as one: a password may hold any character, and what can't be read as an address is shown, too. Free text is only searched
/// for addresses that are written as they should be.
/// </summary>
public static partial class AddressText
{
    /// <summary>An address, or several with commas, with <c>***</c> for each password.</summary>
    public static string Hide(string addresses) =>
        string.Concat(NextAddress().Split(addresses).Select(a => PasswordIn(a) is var (start, end) ? string.Concat(a.AsSpan(0, start), "***", a.AsSpan(end)) : a));

    /// <summary>Free text with <c>***</c> for each password of an address in it.</summary>
    public static string HideIn(string text) => UserInfo().Replace(text, "${start}***@");

    /// <summary>
    /// What must not be shown of an address, or of several with commas: each password as it is written and as it is meant. Of one with a
    /// character that ends a host's name its pieces, too: whoever reads the address by the rules takes them for a path.
    /// </summary>
    public static IEnumerable<string> PasswordsOf(string addresses)
    {
        foreach (var address in NextAddress().Split(addresses))
        {
            if (PasswordIn(address) is not var (start, end)) continue;
            var password = address[start..end];
            var pieces = password.Split('/', '?', '#');
            foreach (var text in pieces.Length == 1 ? pieces : pieces.Prepend(password))
            {
                yield return text;
                yield return Uri.UnescapeDataString(text);
            }
        }
    }

    /// <summary>The passwords of the addresses in free text, as they are written and as they are meant.</summary>
    public static IEnumerable<string> PasswordsIn(string text) =>
        UserInfo().Matches(text).Select(m => m.Groups["password"].Value).SelectMany(p => new[] { p, Uri.UnescapeDataString(p) });

    private static (int Start, int End)? PasswordIn(string address)
    {
        var scheme = address.IndexOf("://", StringComparison.Ordinal);
        var colon = address.IndexOf(':', scheme < 0 ? 0 : scheme + 3);
        var at = address.LastIndexOf('@');
        return colon >= 0 && at > colon ? (colon + 1, at) : null;
    }

    // What has no scheme of its own belongs to the address before it: hiding too much is better than too little.
    [GeneratedRegex("(?<=,)(?=[^:/@,]*://)", RegexOptions.None, matchTimeoutMilliseconds: Timeout.Infinite)]
    private static partial Regex NextAddress();

    // No part can match what follows it, so that no text takes longer than its length.
    [GeneratedRegex(@"(?<start>://[^/\s:@]*:)(?<password>[^/\s]*)@", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: Timeout.Infinite)]
    private static partial Regex UserInfo();
}
