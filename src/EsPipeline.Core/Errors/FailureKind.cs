namespace EsPipeline.Core.Errors;

/// <summary>What to do about a failure.</summary>
public enum FailureKind : byte
{
    /// <summary>Trying again may help: throttled, timed out, down.</summary>
    Transient,

    /// <summary>This record will never be taken: it is set aside.</summary>
    Permanent,

    /// <summary>Nothing can be written until a person changes something: a password, a full disk.</summary>
    Environment,
}
