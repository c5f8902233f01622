using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EsPipeline.Connectors.Firestore;

/// <summary>A collection of one database, by the names that the REST interface has for it.</summary>
internal sealed partial class FirestoreCollection
{
    /// <param name="project">The project's id.</param>
    /// <param name="database">The database's id, <c>(default)</c> for the first.</param>
    /// <param name="path">The collection's id, or its path <c>collection/document/collection</c>.</param>
    public FirestoreCollection(string project, string database, string path)
    {
        (Project, Database, Path) = (project, database, path);
        Documents = $"projects/{project}/databases/{database}/documents";
        var segments = path.Split('/');
        Id = segments[^1];
        Parent = segments.Length == 1 ? Documents : $"{Documents}/{string.Join('/', segments[..^1])}";
        NamePrefix = $"{Documents}/{path}/";
        NamePrefixJson = Encoding.UTF8.GetBytes(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(NamePrefix));
        NameBytes = FirestoreLimits.NameOverhead + segments.Sum(s => Encoding.UTF8.GetByteCount(s) + 1);
    }

    /// <summary>The project's id.</summary>
    public string Project { get; }

    /// <summary>The database's id.</summary>
    public string Database { get; }

    /// <summary>The collection's path below the database.</summary>
    public string Path { get; }

    /// <summary>The collection's own id.</summary>
    public string Id { get; }

    /// <summary><c>projects/…/databases/…/documents</c>.</summary>
    public string Documents { get; }

    /// <summary>What the collection belongs to: the database's documents, or one document.</summary>
    public string Parent { get; }

    /// <summary>What every document's name begins with.</summary>
    public string NamePrefix { get; }

    /// <summary><see cref="NamePrefix"/> as the inside of a JSON string.</summary>
    public byte[] NamePrefixJson { get; }

    /// <summary>What a document's name adds to its size, besides the id.</summary>
    public int NameBytes { get; }

    /// <summary>A resource's name as a part of a URL.</summary>
    public static string UrlPath(string name) => string.Join('/', name.Split('/').Select(Uri.EscapeDataString));

    /// <summary>A JSON string of a name.</summary>
    public static string Json(string name) => $"\"{JsonEncodedText.Encode(name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>What is wrong with a project's id, as the end of a sentence; null when all is well.</summary>
    public static string? MistakeInProject(string project) =>
        ProjectId().IsMatch(project) ? null : "is not a project's id; it has lower-case letters, digits and dashes";

    /// <summary>What is wrong with a database's id; null when all is well.</summary>
    public static string? MistakeInDatabase(string database) =>
        database == "(default)" || DatabaseId().IsMatch(database) ? null
            : "is not a database's id; it is (default), or has 4 to 63 lower-case letters, digits and dashes";

    /// <summary>What is wrong with a collection's path; null when all is well.</summary>
    public static string? MistakeInPath(string path)
    {
        var segments = path.Split('/');
        if (segments.Length % 2 == 0) return "is the path of a document; a collection's has an odd number of parts between its slashes";
        foreach (var segment in segments)
        {
            var bytes = Encoding.UTF8.GetBytes(segment);
            if (bytes.Length == 0) return "has an empty part";
            if (bytes.Length > FirestoreLimits.MaxNameBytes) return $"has a part of more than {FirestoreLimits.MaxNameBytes} bytes";
            if (segment is "." or ".." || FirestoreNames.IsReserved(bytes)) return $"has the part '{segment}', which Firestore keeps for itself";
            if (segment.Any(char.IsControl)) return "has control characters";
        }

        // A document's id of the greatest length must still fit.
        return Encoding.UTF8.GetByteCount(path) > FirestoreLimits.MaxPathBytes - FirestoreLimits.MaxNameBytes - 300
            ? "is too long for Firestore's names" : null;
    }

    // Older projects have the owner's domain before their id: example.com:project.
    [GeneratedRegex(@"^([a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{0,61}[a-z0-9]?\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ProjectId();

    [GeneratedRegex(@"^[a-z][a-z0-9-]{2,61}[a-z0-9]\z", RegexOptions.NonBacktracking)]
    private static partial Regex DatabaseId();
}
