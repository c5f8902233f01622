using System.Text;
using System.Text.RegularExpressions;
using Anthropic;
using Anthropic.Models.Messages;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Errors;

namespace EsPipeline.Cli.Explaining;

/// <summary>What a language model said to an error, or why it said nothing.</summary>
/// <param name="Text">Its words; null where there are none.</param>
/// <param name="Problem">Why there are none; null otherwise.</param>
internal readonly record struct AiAnswer(string? Text, string? Problem);

/// <summary>
/// Asks a language model what to do about an error. It is sent the code, what the code means, and the message without anything that is the
/// user's own: no secret, no value of an option, no address, nothing that stands between quotes; and no message at all where it speaks of records.
/// </summary>
/// <param name="settings">The key, the model, the two ends, and the values that are not to be sent.</param>
/// <param name="redaction">The secrets.</param>
internal sealed partial class AiAdvice(Settings settings, Redaction redaction)
{
    private const int LongestAnswer = 4000;
    private const int LongestMessage = 600;
    private const int ShortestValue = 3;

    private const string Task = """
        You help a person who runs espipe, a command line tool that copies JSON documents from one system to another. Explain in plain text,
        without Markdown, in at most 150 words: what most likely happened, and a numbered list of two to five things to do, each with a command
        where one helps. Use only the options that the text names. Never advise to switch off certificate checks or to share secrets.
        """;

    /// <summary>The longest that an answer may take.</summary>
    internal TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Asks; never throws.</summary>
    public async Task<AiAnswer> AskAsync(PipelineException error, CancellationToken ct)
    {
        if (settings.Run.AnthropicKey is not { } key) return new AiAnswer(null, "ANTHROPIC_API_KEY is not set");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Longest);
        try
        {
            // A redirect would carry the key to another host.
            using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
            using var client = new AnthropicClient { ApiKey = key.Reveal(), HttpClient = http, MaxRetries = 0, Timeout = Longest };
            var asked = settings.Run.AnthropicUrl is { } url ? client.WithOptions(o => o with { BaseUrl = url }) : client;
            var answer = await asked.Messages.Create(
                new MessageCreateParams
                {
                    Model = settings.Run.AiModel,
                    MaxTokens = 800,
                    System = Task,
                    Messages = [new UserMessageParam(Question(error))],
                },
                limit.Token).WaitAsync(limit.Token);
            var text = string.Concat(answer.Content.Select(c => c.TryPickText(out var block) ? block.Text : "")).Trim();
            return text.Length == 0 ? new AiAnswer(null, "its answer is empty") : new AiAnswer(text[..Math.Min(text.Length, LongestAnswer)], null);
        }
        catch (OperationCanceledException)
        {
            return new AiAnswer(null, ct.IsCancellationRequested ? "espipe was stopped" : $"it took longer than {Longest.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever the client throws, the advice of the rules is still there.
            return new AiAnswer(null, $"{e.GetType().Name}: {e.Message.Split('\n')[0]}");
        }
    }

    /// <summary>What is sent.</summary>
    internal string Question(PipelineException error)
    {
        var text = new StringBuilder();
        text.AppendLine($"Error code: {error.Code} ({error.Kind})");
        text.AppendLine($"Meaning: {error.Error.Meaning}");
        text.AppendLine($"Remedy: {error.Error.Remedy}");
        foreach (var step in error.Error.Steps) text.AppendLine($"Step: {step}");
        text.AppendLine($"From {settings.Source.Name} to {settings.Sink.Name}, mode {EnumText.Kebab(settings.Mode)}");
        var speaksOfRecords = error.Kind == FailureKind.Permanent || error.Error == DeadLetterErrors.TooMany;
        if (!speaksOfRecords) text.AppendLine($"Message: {Sanitise(error.Message)}");
        return text.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>A message without what is the user's own.</summary>
    internal string Sanitise(string message)
    {
        message = redaction.Apply(message);
        foreach (var value in OwnValues().Where(v => v.Text.Length >= ShortestValue).OrderByDescending(v => v.Text.Length))
        {
            message = message.Replace(value.Text, $"<{value.Name}>", StringComparison.OrdinalIgnoreCase);
        }

        message = Quoted().Replace(Address().Replace(message, "<address>"), "'<value>'");
        return message.Length <= LongestMessage ? message : message[..LongestMessage] + "…";
    }

    private IEnumerable<(string Name, string Text)> OwnValues()
    {
        foreach (var options in new[] { settings.SourceOptions, settings.SinkOptions }.OfType<IEffectiveOptions>())
        {
            foreach (var (name, text) in options.Effective) yield return (name.TrimStart('-'), text);
        }

        foreach (var value in settings.Values.Where(v => v.Origin != OptionOrigin.Default && !v.Definition.IsSecret && !v.Definition.IsFlag && v.Definition.Choices.Count == 0))
        {
            if (value.Definition.Name is "--source" or "--sink") continue;
            var items = value.Value as IEnumerable<string> ?? [OptionDefinition.Format(value.Value)];
            foreach (var item in items) yield return (value.Definition.DisplayName.TrimStart('-'), item);
        }
    }

    // URLs, IPv4 and IPv6 addresses, mail addresses, and paths.
    [GeneratedRegex(
        @"[a-z][a-z0-9+.-]*://[^\s'""]+|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b|\[[0-9a-f:]{2,}\](:\d+)?|\S+@\S+|(/[\w.-]+){2,}",
        RegexOptions.IgnoreCase | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Address();

    [GeneratedRegex(@"'[^']*'|""[^""]*""|`[^`]*`|‘[^’]*’|“[^”]*”", RegexOptions.NonBacktracking)]
    private static partial Regex Quoted();
}
