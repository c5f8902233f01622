using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>Copies a world through the real engine, killed and started again until it is done, and then looks at what came of it.</summary>
internal sealed class WorldRun(World world, string folder)
{
    private readonly SinkContent _content = new();
    private readonly FileContent _file = new();
    private readonly List<string> _violations = [];
    private readonly string _state = Path.Combine(folder, "state");
    private IReadOnlyList<int> _visible = world.FirstPass;
    private int _lives;

    /// <summary>The file of the last life.</summary>
    private string DeadLetters => Path.Combine(folder, $"dead-letters-{_lives}.jsonl");

    /// <summary>Runs everything.</summary>
    /// <returns>What is wrong; empty where nothing is.</returns>
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        var random = new Random(~world.Seed);
        await CopyAsync(random, before: [.. world.FirstPass.Select(_ => 0)]);
        _visible = [.. world.Partitions.Select(p => p.Items.Count)];
        if (_violations.Count == 0) await CopyAsync(random, before: world.FirstPass);
        return _violations;
    }

    private async Task CopyAsync(Random random, IReadOnlyList<int> before)
    {
        var model = new WorldModel(world, _visible);
        for (var left = world.Kills; ; left--)
        {
            var life = new Life(random.Next(), left > 0 ? random.Next(1, 120) : null);
            var letters = DeadLetters;
            _lives++;

            // A life writes to a file of its own, which begins as the last one left it: what the dead still write is seen by nobody.
            if (File.Exists(letters)) File.Copy(letters, DeadLetters);
            var result = await LiveAsync(life, model);
            if (_violations.Count > 0) return;
            if (result is null) continue;
            if (world.Kills == 0) _violations.AddRange(model.WrongAccount(result.Account, before));
            Verify(model);
            await VerifyLettersAsync(model);
            return;
        }
    }

    // Null where it was killed.
    private async Task<RunResult?> LiveAsync(Life life, WorldModel model)
    {
        Pipeline? pipeline = null;
        var letters = DeadLetters;
        var state = new KillableState(new FileStateStore(_state, life.Time), life, checkpoint => Check(checkpoint, model, letters, life));
        var source = new ScriptedSource(world, life, _visible, partition => state.Saved?.Partitions.GetValueOrDefault(partition).Position);
        IDataSink sink = world.IsFile ? new ScriptedFile(world, life, _file) : new ScriptedSink(world, life, _content, () => pipeline?.BytesInFlight ?? 0);
        pipeline = new Pipeline(new PipelineSetup
        {
            Job = "job",
            Mode = PipelineMode.FullSync,
            From = ("world", source),
            To = ("content", sink),
            State = state,
            DeadLetterPath = letters,
            Transform = world.Transforms ? new RecordTransform(new TransformRules([], [], [], []), null, world.Shard) : null,
            Threads = world.Threads,
            ReadAheadBytes = world.ReadAheadBytes,
            CheckpointInterval = world.CheckpointEvery,
            Retry = new RetryOptions(1000, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1000), Forever: false),
            MaxDeadLetters = long.MaxValue,
            Time = life.Time,
            Random = new Random(world.Seed),
            Log = NullLogger.Instance,
        });

        var running = pipeline.RunAsync(CancellationToken.None);
        var ended = Task.WhenAny(running, life.Killed);
        await life.Time.RaceAsync(ended);
        var killed = await ended != running;
        life.Time.Stop();
        _violations.AddRange(life.Violations);
        if (killed)
        {
            await state.ReleaseAsync();
            LoseWhatIsNotOnDisk(life);
            return null;
        }

        var result = await running;
        if (result.Error is { } error) _violations.Add($"The run failed: {error.Message} {error.InnerException}");
        if (!result.Account.Balances || result.Account.Unfinished != 0) _violations.Add($"The account does not balance: {result.Account}");
        return result;
    }

    // Invariant 1, at the moment of a save: what the positions speak of is in the sink or in the dead letters.
    private void Check(Checkpoint checkpoint, WorldModel model, string letters, Life life)
    {
        var text = File.Exists(letters) ? File.ReadAllText(letters) : "";
        var reached = world.Partitions.Select(p => ScriptedSource.NumberOf(checkpoint.Partitions[p.Id].Position)).ToArray();
        var unsafeItems = world.IsFile
            ? model.UnsafeInFile(reached, _file.Lines[..int.Parse(checkpoint.SinkToken!, CultureInfo.InvariantCulture)], text)
            : model.UnsafeInSink(reached, _content.Applied, text);
        foreach (var item in unsafeItems) life.Violated($"A checkpoint was saved ahead of {item}.");
    }

    private void LoseWhatIsNotOnDisk(Life life)
    {
        var unsure = _file.Lines.Count - _file.Durable;
        var lost = life.Next(unsure + 1);
        _file.Lines.RemoveRange(_file.Lines.Count - lost, lost);
    }

    private void Verify(WorldModel model)
    {
        if (world.IsFile) _violations.AddRange(model.WrongLines(_file.Lines));
        else _violations.AddRange(model.WrongDocuments(_content.Documents));
    }

    private async Task VerifyLettersAsync(WorldModel model)
    {
        var open = new List<DeadLetter>();
        await foreach (var letter in DeadLetterFile.ReadAsync(DeadLetters)) open.Add(letter);
        _violations.AddRange(model.WrongLetters(open));
    }
}
