using EsPipeline.Core.Checkpoints;

namespace EsPipeline.Connectors.Files;

/// <summary>The file that a run writes, which must never be among those that it reads: it would read its own records, or lose what it reads.</summary>
/// <param name="target">The file's full path.</param>
internal sealed class RunOutput(string target)
{
    // What lies beside an unfinished file belongs to it.
    private readonly string[] _files = [target, target + ".part", target + ".part.sample", target + ".part.keys", target + ".lock"];

    /// <summary>What the other end of a run writes; null where that is no file.</summary>
    public static RunOutput? Of(ConnectorOptions? ends) => ends?.Sink is OutputFileOptions { File.Length: > 0 } options && OutputFile.TargetOf(options.File) is { } target ? new RunOutput(target) : null;

    /// <summary>Refuses a file that is read.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="FilesErrors.OwnOutput"/>.</exception>
    public void Refuse(string input)
    {
        if (!_files.Any(own => FileKind.AreSame(own, input))) return;
        throw FilesErrors.OwnOutput.Error($"{input} is to be read, and is what this run writes: {target}.");
    }

    /// <summary>Refuses names of which the written file's is one, whether it is there yet or not: it would be read by the next look.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="FilesErrors.OwnOutput"/>.</exception>
    public void RefuseGlob(string folder, string pattern)
    {
        if (!Glob.IsMatch(pattern, Path.GetFileName(target)) || !FileKind.AreSame(folder, Path.GetDirectoryName(target)!)) return;
        throw FilesErrors.OwnOutput.Error($"Among the names that {Path.Combine(folder, pattern)} stands for is that of what this run writes: {target}.");
    }
}
