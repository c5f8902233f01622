namespace EsPipeline.Benchmarks;

/// <summary>A command line: the program and its arguments.</summary>
internal sealed record CommandText(string Program, params IReadOnlyList<string> Arguments)
{
    /// <summary>Names and values for its environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>A shell line.</summary>
    public static CommandText Shell(string line) => new("/bin/sh", "-c", line);
}

/// <summary>
/// One thing that is measured: espipe as a whole process, against a reference process that does the least that anybody has to do for
/// the same data, or against a rate that it is allowed.
/// </summary>
internal abstract class Leg(BenchContext context)
{
    /// <summary>What it is called on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What the reference is, for a reader.</summary>
    public abstract string Reference { get; }

    /// <summary>What the ratio should be at least.</summary>
    public abstract double Aim { get; }

    /// <summary>The most microseconds of the client's own processor time a record; null where none is aimed at.</summary>
    public virtual double? AimCpu => null;

    /// <summary>Records copied in one run.</summary>
    public abstract long Records { get; }

    /// <summary>Records of the small run for the memory figure; 0 for none.</summary>
    public virtual long FewRecords => 0;

    protected BenchContext Context => context;

    /// <summary>Why it can't be measured here; null where it can.</summary>
    public virtual string? Missing => null;

    /// <summary>Makes the data. Called once.</summary>
    public abstract Task PrepareAsync();

    /// <summary>Takes away what the last run left, before each run.</summary>
    public abstract Task ResetAsync();

    /// <summary>The run of espipe.</summary>
    /// <param name="few">True for the small run.</param>
    public abstract CommandText Espipe(bool few);

    /// <summary>The reference's run; null where the reference is a rate.</summary>
    public virtual CommandText? ReferenceCommand => null;

    /// <summary>Compares what the last run of espipe wrote with what it had to write.</summary>
    /// <exception cref="InvalidOperationException">It is not the same; the message says what differs.</exception>
    public abstract Task VerifyAsync();

    /// <summary>Takes away what would cost the server something when the leg is done, such as a replication slot.</summary>
    public virtual Task CleanUpAsync() => Task.CompletedTask;

    /// <summary>How fast espipe was, as a ratio: the reference's time over its own, unless the leg knows better.</summary>
    public virtual double Ratio(ProcessRun espipe, ProcessRun? reference) => reference!.Wall / espipe.Wall;
}

/// <summary>What all legs share.</summary>
/// <param name="Espipe">The built program.</param>
/// <param name="Folder">A scratch folder.</param>
internal sealed record BenchContext(string Espipe, string Folder)
{
    /// <summary>A path in the scratch folder.</summary>
    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>An address given by the environment; null where it is not.</summary>
    public static string? Address(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>A run of espipe with fresh state and no log file.</summary>
    public CommandText Run(params string[] arguments) => new(Espipe, [.. arguments, "--state", PathOf("state"), "--log-file", "none", "--quiet", "--mode", "full-sync"]);

    /// <summary>Forgets the state of earlier runs.</summary>
    public void ForgetState()
    {
        if (Directory.Exists(PathOf("state"))) Directory.Delete(PathOf("state"), recursive: true);
    }
}
