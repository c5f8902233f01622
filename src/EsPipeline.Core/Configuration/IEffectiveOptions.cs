namespace EsPipeline.Core.Configuration;

/// <summary>Options of which several together say one thing, such as an address: what they come to, for advice that names it.</summary>
public interface IEffectiveOptions
{
    /// <summary>
    /// Values that stand for placeholders in <see cref="Errors.ErrorCode.Steps"/>: by an option's name what the option comes to, or by a name
    /// of its own, without dashes in front, a ready piece of a command. Never a secret. May be asked of options that hold mistakes.
    /// </summary>
    IEnumerable<KeyValuePair<string, string>> Effective { get; }
}
