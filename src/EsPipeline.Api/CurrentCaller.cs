namespace EsPipeline.Api;

/// <summary>For whom something is done: set where a request comes in, and known in all that is done for it. What several wait for is done for the one who asked first.</summary>
internal sealed class CurrentCaller
{
    private readonly AsyncLocal<string?> _name = new();

    /// <summary>The key or address; null where no request is answered.</summary>
    public string? Name
    {
        get => _name.Value;
        set => _name.Value = value;
    }
}
