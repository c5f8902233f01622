using System.Text;

namespace EsPipeline.Conformance;

/// <summary>One document of a test's data: its key, and its JSON object as text.</summary>
/// <param name="Key">The key.</param>
/// <param name="Json">The document.</param>
public sealed record Document(string Key, string Json)
{
    /// <summary>The key's UTF-8 bytes.</summary>
    public byte[] KeyBytes => Encoding.UTF8.GetBytes(Key);

    /// <summary>The document's UTF-8 bytes.</summary>
    public byte[] JsonBytes => Encoding.UTF8.GetBytes(Json);

    /// <summary>Only the beginning of long ones: a test's message is to be read.</summary>
    public override string ToString() => $"{Short(Key, 60)} = {Short(Json, 120)}";

    /// <summary>A text's beginning, where it is long.</summary>
    public static string Short(string text, int most) => text.Length <= most ? text : $"{text[..most]}… ({text.Length} characters)";
}
