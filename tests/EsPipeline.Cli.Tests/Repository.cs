namespace EsPipeline.Cli.Tests;

/// <summary>The folder that these tests were built in.</summary>
internal static class Repository
{
    /// <summary>Its full path.</summary>
    public static string Root { get; } = Find();

    /// <summary>The text of one of its files.</summary>
    public static string Read(string name) => File.ReadAllText(Path.Combine(Root, name));

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "EsPipeline.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("These tests do not lie in the repository.");
    }
}
