using System.Security;
using System.Text.Encodings.Web;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>
/// The last guard of invariant 7: takes every configured secret, in each way in which it may be written, out of text that is about to be
/// shown or logged. Nothing should put one there; a server's answer or a library's exception might.
/// </summary>
internal sealed class Redaction
{
    // A shorter secret is likely to be a part of ordinary words.
    private const int ShortestSecret = 4;

    private readonly string[] _secrets;

    /// <param name="secrets">The secrets as they were configured.</param>
    public Redaction(IEnumerable<string> secrets) => _secrets =
    [
        .. secrets.Where(s => s.Length >= ShortestSecret)
            .SelectMany(s => new[]
            {
                s, Uri.EscapeDataString(s), JavaScriptEncoder.Default.Encode(s), JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(s), SecurityElement.Escape(s),
            })
            .Distinct()
            .OrderByDescending(s => s.Length),
    ];

    /// <summary>No secrets.</summary>
    public static Redaction None { get; } = new([]);

    /// <summary>The secrets among values, those within URLs included.</summary>
    public static Redaction Of(IEnumerable<OptionValue> values) => new(values.SelectMany(v => v.Value switch
    {
        Secret secret => [secret.Reveal()],
        string address when v.Definition.IsAddress => AddressText.PasswordsOf(address),
        string text => AddressText.PasswordsIn(text),
        IEnumerable<string> list => list.SelectMany(AddressText.PasswordsIn),
        _ => (IEnumerable<string>)[],
    }));

    /// <summary>The text with <c>***</c> for every secret.</summary>
    public string Apply(string text)
    {
        foreach (var secret in _secrets) text = text.Replace(secret, "***", StringComparison.Ordinal);
        return AddressText.HideIn(text);
    }
}
