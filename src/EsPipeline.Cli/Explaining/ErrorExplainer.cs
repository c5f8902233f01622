using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;

namespace EsPipeline.Cli.Explaining;

/// <summary>
/// Explains errors to the person who watches: in the words of a language model where <c>--ai-errors</c> asks for that and it answers, by the
/// rules of <see cref="Advice"/> otherwise. Nothing that goes wrong in it changes what a run ends with.
/// </summary>
internal sealed class ErrorExplainer(Settings settings, Terminal terminal)
{
    private readonly Advice _advice = new(settings);

    /// <summary>Explains one error.</summary>
    public async Task ExplainAsync(PipelineException error, CancellationToken ct)
    {
        if (settings.Run.AiErrors && !ct.IsCancellationRequested)
        {
            var answer = await new AiAdvice(settings, terminal.Redaction).AskAsync(error, ct);
            if (answer.Text is { } text)
            {
                terminal.WriteError($"What the model {settings.Run.AiModel} makes of {error.Code}; it may be wrong:");
                terminal.WriteError(text);
                return;
            }

            terminal.WriteError($"The model {settings.Run.AiModel} gave no answer ({answer.Problem}).");
        }

        Write(_advice.Lines(error.Error, error.Remedy, error.Names));
    }

    /// <summary>Explains why a run failed, or why records of it were set aside, cause by cause.</summary>
    public async Task ExplainAsync(RunResult result, CancellationToken ct)
    {
        if (result.Error is { } error) await ExplainAsync(error, ct);
        if (result.Account.DeadLettered == 0 && result.OpenLetters == 0) return;
        var codes = new SortedDictionary<string, bool>(StringComparer.Ordinal);
        try
        {
            await foreach (var letter in DeadLetterFile.ReadAsync(result.DeadLetterPath, ct)) codes.TryAdd(letter.Code, letter.Malformed);
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            terminal.WriteError($"The dead letters can't be explained: {e.Message}");
        }

        foreach (var (code, isMalformed) in codes)
        {
            if (ErrorCatalog.Find(code) is { } cause) Write(_advice.Lines(cause, names: isMalformed ? null : settings.SinkNames));
        }
    }

    private void Write(IReadOnlyList<string> lines)
    {
        foreach (var line in lines) terminal.WriteError(line);
    }
}
