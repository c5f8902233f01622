namespace EsPipeline.Core.Configuration;

/// <summary>How long a failure that may pass is tried again.</summary>
/// <param name="MaxRetries">Tries after the first.</param>
/// <param name="Delay">The pause before the second try; doubled each time, up to a minute.</param>
/// <param name="Budget">The time that all tries of one write or read may take together.</param>
/// <param name="Forever">True in continuous mode: neither number ends the run, it waits until the system is back.</param>
public sealed record RetryOptions(int MaxRetries, TimeSpan Delay, TimeSpan Budget, bool Forever);
