using System.Security.Cryptography;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Scroll;

/// <summary>
/// The views that scrolls hold open at the search server, each of which keeps files of its index from being removed: only so many for each
/// caller, and for all together. A view is forgotten when it is closed, or has not been used for as long as its cursor is good; those of
/// another copy of the API, or from before a restart, are not known here. Safe for many threads.
/// </summary>
internal sealed class OpenViews(ApiOptions options, TimeProvider time)
{
    /// <summary>For all callers together: fewer than the 300 of one node at which OpenSearch refuses more (<c>search.max_open_pit_context</c>).</summary>
    public const int MostInAll = 250;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, View> _views = [];

    /// <summary>Takes a place.</summary>
    /// <param name="caller">Whose it is.</param>
    /// <returns>By what it is known: any number but 0.</returns>
    /// <exception cref="PipelineException"><see cref="ApiErrors.TooManyScrolls"/>, with the time until a place is free at the latest.</exception>
    public long Open(string caller)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            foreach (var (old, _) in _views.Where(v => v.Value.Expires <= now).ToArray()) _views.Remove(old);
            var own = _views.Values.Where(v => v.Caller == caller).ToArray();
            if (own.Length >= options.MaxScrolls) throw TooMany($"This key or address has {own.Length} scrolls open already.", own, now);
            if (_views.Count >= MostInAll) throw TooMany($"All callers together have {_views.Count} scrolls open already.", _views.Values, now);
            var id = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) | 1;
            _views[id] = new View(caller, now + options.ScrollKeepAlive);
            return id;
        }
    }

    /// <summary>Notes that it was used, so that it is kept for as long again.</summary>
    public void Use(long id)
    {
        lock (_lock)
        {
            if (_views.TryGetValue(id, out var view)) _views[id] = view with { Expires = time.GetUtcNow() + options.ScrollKeepAlive };
        }
    }

    /// <summary>Gives the place back.</summary>
    public void Close(long id)
    {
        lock (_lock) _views.Remove(id);
    }

    private static PipelineException TooMany(string what, IEnumerable<View> views, DateTimeOffset now) => ApiErrors.TooManyScrolls.Error(what, retryAfter: views.Min(v => v.Expires) - now);

    private sealed record View(string Caller, DateTimeOffset Expires);
}
