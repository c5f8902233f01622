using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>What a person is told when a call to S3 fails. The service's own sentences name no secrets, but may name keys: they are not repeated.</summary>
internal static class S3Failure
{
    /// <param name="e">What the SDK threw.</param>
    /// <param name="options">Whom it spoke to.</param>
    /// <param name="file">Which object was asked for; null for the list.</param>
    /// <returns>A <see cref="PipelineException"/>, or an <see cref="ObjectChangedException"/> where the object is not what it was.</returns>
    public static Exception Of(Exception e, HadoopOptions options, StoredObject? file)
    {
        if (e is AmazonServiceException { StatusCode: >= HttpStatusCode.Continue } answer) return OfAnswer(answer, options, file);
        if (Within<AuthenticationException>(e) is { } tls)
        {
            // Of all that can fail there, only an answer that is no TLS at all is told in these words by the runtime.
            return tls.Message.Contains("corrupted frame", StringComparison.Ordinal)
                ? HadoopErrors.Tls.Error($"{Where(options)} does not speak TLS.", "Write the address with http:// if nobody between can read or change the data, or with the port that speaks TLS.", e)
                : HadoopErrors.Tls.Error($"{Where(options)} could not prove who it is: {tls.Message}", inner: e);
        }

        if (e is HttpRequestException or IOException || Within<SocketException>(e) is not null)
        {
            return HadoopErrors.Unreachable.Error($"{Where(options)} could not be reached, or broke off: {Innermost(e).Message}", inner: e);
        }

        if (e is AmazonClientException && e.Message.StartsWith("Failed to resolve AWS credentials", StringComparison.Ordinal))
        {
            return HadoopErrors.NoCredentials.Error("There is no access key for S3: S3_ACCESS_KEY is not set, and the AWS chain has none.", inner: e);
        }

        return HadoopErrors.Refused.Error($"{Where(options)} gave an answer that can't be used ({e.GetType().Name}).", inner: e);
    }

    private static Exception OfAnswer(AmazonServiceException e, HadoopOptions options, StoredObject? file)
    {
        var what = file is null ? $"list the bucket {options.Bucket}" : $"read {PrintableText.Escape(file.Path)} in the bucket {options.Bucket}";
        var status = (int)e.StatusCode;
        var code = PrintableText.Escape(e.ErrorCode ?? "");
        return (e.StatusCode, e.ErrorCode) switch
        {
            (_, "NoSuchBucket") => HadoopErrors.NoBucket.Error($"{Where(options)} has no bucket {options.Bucket}.", inner: e),
            (HttpStatusCode.PreconditionFailed or HttpStatusCode.RequestedRangeNotSatisfiable or HttpStatusCode.NotFound, _) when file is not null =>
                new ObjectChangedException(file.Path),
            (_, "InvalidAccessKeyId") => HadoopErrors.Denied.Error($"{Where(options)} does not know the access key.", inner: e),
            (_, "SignatureDoesNotMatch") => HadoopErrors.Denied.Error($"The secret key does not belong to the access key, says {Where(options)}.", inner: e),
            (_, "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired") => HadoopErrors.Denied.Error($"The session token has expired, says {Where(options)}.", "Sign in again.", e),
            (_, "RequestTimeTooSkewed") => HadoopErrors.Denied.Error($"This machine's clock and that of {Where(options)} differ too much.", "Set the clock.", e),
            (_, "AuthorizationHeaderMalformed" or "PermanentRedirect" or "IllegalLocationConstraintException") =>
                HadoopErrors.Elsewhere.Error($"The bucket {options.Bucket} is in another region, or at another address, says {Where(options)}.", inner: e),
            (_, "InvalidObjectState") => HadoopErrors.Locked.Error($"{Where(options)} can't {what}: it is archived.", "Restore it (aws s3api restore-object), or move it out of the job's folder.", e),
            (HttpStatusCode.BadRequest, "InvalidRequest") when file is not null =>
                HadoopErrors.Locked.Error($"{Where(options)} can't {what} without more ({status} {code}), as where it was stored with an encryption key of its writer's own (SSE-C).", inner: e),
            (_, { } kms) when kms.StartsWith("KMS.", StringComparison.Ordinal) =>
                HadoopErrors.Locked.Error($"{Where(options)} can't {what}: the KMS key that it is encrypted with can't be used ({code}).", "Enable that key again, and let this access key use it (kms:Decrypt).", e),
            (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, _) =>
                HadoopErrors.Denied.Error($"{Where(options)} does not let this access key {what} ({status} {code}).", inner: e),
            (HttpStatusCode.TooManyRequests, _) or (_, "SlowDown" or "Throttling" or "RequestLimitExceeded") =>
                HadoopErrors.Throttled.Error($"{Where(options)} asks for fewer requests ({status} {code}).", inner: e),
            (HttpStatusCode.RequestTimeout, _) or (_, "RequestTimeout") or ( >= HttpStatusCode.InternalServerError, _) =>
                HadoopErrors.Unreachable.Error($"{Where(options)} could not {what} just now ({status} {code}).", inner: e),
            ( >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest, _) =>
                HadoopErrors.Elsewhere.Error($"{Where(options)} sends the request elsewhere ({status}), which is not followed.", inner: e),
            _ => HadoopErrors.Refused.Error($"{Where(options)} refuses to {what} ({status} {code}).", inner: e),
        };
    }

    private static string Where(HadoopOptions options) => options.EndpointUrl is { } url ? url.Authority : "AWS S3";

    private static T? Within<T>(Exception? e)
        where T : Exception
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is T found) return found;
        }

        return null;
    }

    private static Exception Innermost(Exception e) => e.InnerException is null ? e : Innermost(e.InnerException);
}
