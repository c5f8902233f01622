namespace EsPipeline.Chaos;

/// <summary>Runs a job again and again, each run killed at a random moment, until one of them comes to its end.</summary>
/// <param name="whole">How long a run takes that nobody kills: the moments lie between its start and a little after its end.</param>
/// <param name="most">How often it is killed, where the environment says nothing else.</param>
internal sealed class KilledJob(TimeSpan whole, int most = 20)
{
    private readonly Random _random = new(Draws.Seed);
    private readonly int _most = Draws.Kills(most);

    /// <summary>How often it was killed.</summary>
    public int Kills { get; private set; }

    /// <summary>How often it was killed with a position saved, so that the next run had to go on from there.</summary>
    public int Resumes { get; private set; }

    /// <summary>How often it was killed after that very run had saved a position, so that it had got on.</summary>
    public int KilledAtWork { get; private set; }

    /// <summary>True while it has not been killed often enough; up to three times as often where no kill has come after a position was saved.</summary>
    public bool GoesOn => Kills < _most || (Resumes == 0 && Kills < 3 * _most);

    /// <summary>Runs it in a fresh folder until it is done.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="arguments">The job, without its name.</param>
    /// <param name="afterKill">What happens between two runs.</param>
    public async Task RunToEndAsync(EspipeFolder folder, IReadOnlyList<string> arguments, Func<Task>? afterKill = null)
    {
        string[] all = [.. arguments, "--job", "killed", "--checkpoint-interval", "20ms"];
        while (true)
        {
            var before = Saved(folder);
            using var process = folder.Start(all);
            process.Input.Close();

            // Where the machine has become so slow that none has got anywhere, the next ones live longer.
            if (!GoesOn || await process.EndsWithinAsync(_random.NextDouble() * 1.1 * whole * (1 + (Kills / _most))))
            {
                (await process.EndAsync()).Ended(0);
                return;
            }

            process.Signal(PosixSignalNumber.Kill);
            await process.EndAsync();
            Kills++;
            var after = Saved(folder);
            if (after is not null) Resumes++;
            if (after != before) KilledAtWork++;
            if (afterKill is not null) await afterKill();
        }
    }

    /// <summary>Runs a job that nobody kills, and measures it.</summary>
    public static async Task<TimeSpan> MeasureAsync(EspipeFolder folder, IReadOnlyList<string> arguments)
    {
        var started = TimeProvider.System.GetTimestamp();
        (await folder.RunAsync([.. arguments, "--checkpoint-interval", "20ms"])).Ended(0);
        return TimeProvider.System.GetElapsedTime(started);
    }

    private static string? Saved(EspipeFolder folder) => folder.File(".espipe/killed/checkpoint.json") is var path && File.Exists(path) ? File.ReadAllText(path) : null;

    /// <summary>Checks that the kills were worth something.</summary>
    public void HasResumed() => Assert.True(Resumes > 0, $"Of {Kills} kills none came after a position was saved: the job is too short, or saves too late.");
}
