namespace EsPipeline.Core.Configuration;

/// <summary>A password, key or token: it prints as <c>***</c> wherever it is put by mistake (invariant 7).</summary>
/// <param name="value">The secret itself.</param>
public sealed class Secret(string value)
{
    /// <summary>The secret itself, for the one place that sends it.</summary>
    public string Reveal() => value;

    /// <inheritdoc/>
    public override string ToString() => "***";
}
