using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Firestore;

/// <summary>A Google credentials file, as far as espipe looks into it itself.</summary>
internal static class CredentialsDocument
{
    // What Google.Apis.Auth can sign in with by itself; a file of another kind may name a program to run or a host to ask.
    private static readonly string[] Types = ["service_account", "authorized_user", "external_account", "impersonated_service_account"];

    /// <summary>The project that a file names; null where it names none or can't be read.</summary>
    public static string? TryReadProject(string path)
    {
        try
        {
            using var document = Open(path);
            return document.RootElement.TryGetProperty("project_id", out var project) ? project.GetString() : null;
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            return null;
        }
    }

    /// <summary>The kind of credentials that a file holds.</summary>
    /// <exception cref="PipelineException"><see cref="FirestoreErrors.Key"/>.</exception>
    public static string ReadType(string path)
    {
        try
        {
            using var document = Open(path);
            var type = document.RootElement.TryGetProperty("type", out var value) ? value.GetString() : null;
            if (Types.Contains(type)) return type!;
            throw FirestoreErrors.Key.Error(
                $"The credentials file {path} is of type '{type}'; espipe signs in with {string.Join(", ", Types)}.",
                "Point GOOGLE_APPLICATION_CREDENTIALS to a service account's key file.");
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            // Not the parser's own words: they may quote a piece of the file.
            throw FirestoreErrors.Key.Error(
                $"The credentials file {path} {(e is JsonException or InvalidOperationException ? "is not a JSON object" : "can't be read: " + e.Message)}.",
                "Check the path in GOOGLE_APPLICATION_CREDENTIALS and that this user may read the file.");
        }
    }

    private static JsonDocument Open(string path) => JsonDocument.Parse(File.ReadAllBytes(path));

    private static bool IsUnreadable(Exception e) => e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or ArgumentException;
}
