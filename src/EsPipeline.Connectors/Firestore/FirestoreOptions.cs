using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// Which Firestore, and as whom. The emulator where <see cref="EmulatorHost"/> is set; else the service account of the
/// <c>FIREBASE_…</c> names, of the credentials file, or of the machine that espipe runs on, in that order.
/// </summary>
public record FirestoreOptions : IValidatedOptions, IEffectiveOptions
{
    /// <summary>The project.</summary>
    [Option("--firestore-project", "Google Cloud project of the Firestore database", Environment = ["FIREBASE_PROJECT_ID"], Value = "ID",
        Default = "that of the credentials file", NamesJob = true)]
    public string? Project { get; init; }

    /// <summary>The database.</summary>
    [Option("--firestore-database", "Firestore database", Value = "ID", NamesJob = true)]
    public string Database { get; init; } = "(default)";

    /// <summary>The collection.</summary>
    [Option("--firestore-collection", "Collection, or a path collection/document/collection", Environment = ["FIREBASE_COLLECTION"],
        Value = "PATH", NamesJob = true)]
    public string Collection { get; init; } = "";

    /// <summary>How a document looks outside of Firestore.</summary>
    [Option("--firestore-values", "json: documents in plain JSON, as other systems have them; typed: in Firestore's own, which keeps every type of value",
        Environment = ["FIRESTORE_VALUES"], Default = "typed where both ends are Firestore and no rule goes into fields, else json")]
    public FirestoreValues? Values { get; init; }

    /// <summary>The service account.</summary>
    [Option("", "E-mail address of the service account", Environment = ["FIREBASE_CLIENT_EMAIL"], Value = "EMAIL")]
    public string? ClientEmail { get; init; }

    /// <summary>Its key.</summary>
    [Option("", "Private key of the service account (PEM, line breaks may be written as \\n)", Environment = ["FIREBASE_PRIVATE_KEY"], Value = "PEM")]
    public Secret? PrivateKey { get; init; }

    /// <summary>The key's id.</summary>
    [Option("", "Id of that private key", Environment = ["FIREBASE_PRIVATE_KEY_ID"], Value = "ID")]
    public Secret? PrivateKeyId { get; init; }

    /// <summary>The account's number; a part of the credentials file that signing in does not need.</summary>
    [Option("", "Client id of the service account; accepted with the others, not needed", Environment = ["FIREBASE_CLIENT_ID"], Value = "ID")]
    public string? ClientId { get; init; }

    /// <summary>A credentials file.</summary>
    [Option("", "Credentials file, as the Google Cloud console or gcloud makes it", Environment = ["GOOGLE_APPLICATION_CREDENTIALS"], Value = "FILE")]
    public string? CredentialsFile { get; init; }

    /// <summary>The emulator.</summary>
    [Option("", "Firestore emulator to use instead of the service, without signing in; for both ends where both are Firestore, unless the sink's says otherwise (none: the service)", Environment = ["FIRESTORE_EMULATOR_HOST"], Value = "HOST:PORT", Address = true, ForBothEnds = true)]
    public string? EmulatorHost { get; init => field = value == "none" ? null : value; }

    /// <summary>What the other end has, where that is Firestore, too.</summary>
    internal FirestoreValues? OtherValues { get; private set; }

    /// <summary>True for documents in <see cref="FirestoreValues.Typed"/> form.</summary>
    internal bool IsTyped => (Values ?? OtherValues) == FirestoreValues.Typed;

    /// <summary>The project as given, or as the credentials file names it; null where neither does.</summary>
    internal string? ProjectId => Project ?? (CredentialsFile is null ? null : CredentialsDocument.TryReadProject(CredentialsFile));

    /// <summary>The collection that is meant.</summary>
    internal FirestoreCollection ToCollection() => new(ProjectId ?? "", Database, Collection);

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Effective
    {
        get
        {
            var address = EmulatorUri ?? FirestoreClient.Service;
            yield return KeyValuePair.Create("--firestore-project", ProjectId ?? "");
            yield return KeyValuePair.Create("firestore-url", ShellText.Quote(address.GetLeftPart(UriPartial.Authority)));
            yield return KeyValuePair.Create("firestore-host", ShellText.Quote(address.Host));
        }
    }

    /// <summary>Has two ends agree: a copy from Firestore to Firestore loses nothing unless one of them is told otherwise.</summary>
    /// <param name="source">The source's.</param>
    /// <param name="sink">The sink's.</param>
    /// <param name="reshapes">True where the rules in between speak of plain documents, which typed ones are not.</param>
    /// <returns>What is wrong with the two together; null when all is well.</returns>
    internal static string? Join(FirestoreOptions source, FirestoreOptions sink, bool reshapes)
    {
        var usual = reshapes ? FirestoreValues.Json : FirestoreValues.Typed;
        source.OtherValues = sink.Values ?? usual;
        sink.OtherValues = source.Values ?? usual;
        return source.IsTyped == sink.IsTyped ? null : "--firestore-values and --sink-firestore-values: both ends need the same; what is given for one counts for both.";
    }

    /// <inheritdoc/>
    public virtual IEnumerable<string> Mistakes()
    {
        if (ProjectId is not { } project)
        {
            yield return CredentialsFile is null ? "--firestore-project: give the project."
                : "--firestore-project: give the project; GOOGLE_APPLICATION_CREDENTIALS names no readable file with a project_id.";
        }
        else if (FirestoreCollection.MistakeInProject(project) is { } wrongProject)
        {
            yield return $"--firestore-project: '{project}' {wrongProject}.";
        }

        if (FirestoreCollection.MistakeInDatabase(Database) is { } wrongDatabase) yield return $"--firestore-database: '{Database}' {wrongDatabase}.";
        if (Collection.Length == 0) yield return "--firestore-collection: give the collection.";
        else if (FirestoreCollection.MistakeInPath(Collection) is { } wrongPath) yield return $"--firestore-collection: '{Collection}' {wrongPath}.";
        if (EmulatorHost is not null)
        {
            if (EmulatorUri is null) yield return $"FIRESTORE_EMULATOR_HOST: '{EmulatorHost}' is not of the form host:port.";
            yield break;
        }

        if (PrivateKey is not null && ClientEmail is null) yield return "FIREBASE_CLIENT_EMAIL: FIREBASE_PRIVATE_KEY needs the account that it belongs to.";
        if (PrivateKey is null && ClientEmail is not null && CredentialsFile is null)
        {
            yield return "FIREBASE_PRIVATE_KEY: FIREBASE_CLIENT_EMAIL is given without its key.";
        }
    }

    /// <summary>Where the emulator is; null where the host is not one.</summary>
    internal Uri? EmulatorUri =>
        Uri.TryCreate("http://" + EmulatorHost, UriKind.Absolute, out var uri) && uri is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "", Port: > 0 }
            ? uri : null;
}
