using System.Threading.RateLimiting;
using EsPipeline.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>How many requests a caller may make: a bucket that is filled every second, and holds two seconds' worth.</summary>
internal sealed class RequestRate(ApiOptions options, AccessGate gate) : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext>? _limiter = options.RateLimit == 0
        ? null
        : PartitionedRateLimiter.Create<HttpContext, string>(context => RateLimitPartition.GetTokenBucketLimiter(gate.CallerOf(context), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = 2 * options.RateLimit,
            TokensPerPeriod = options.RateLimit,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    /// <summary>Counts a request.</summary>
    /// <returns>Why it is one too many; null where it is not.</returns>
    public PipelineException? Count(HttpContext context)
    {
        if (_limiter is null) return null;
        using var lease = _limiter.AttemptAcquire(context);
        if (lease.IsAcquired) return null;
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
        return ApiErrors.TooManyRequests.Error($"More than {options.RateLimit} requests a second came from here.", retryAfter: wait);
    }

    public void Dispose() => _limiter?.Dispose();
}
