namespace EsPipeline.Api.Tests;

/// <summary>A clock that goes on by itself, and can be put forward.</summary>
internal sealed class SettableClock : TimeProvider
{
    private TimeSpan _ahead;

    /// <summary>Puts it forward.</summary>
    public void Advance(TimeSpan time) => _ahead += time;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _ahead;
}
