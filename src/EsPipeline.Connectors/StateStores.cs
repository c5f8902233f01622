using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.PostgresState;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors;

/// <summary>A kind of state store besides the folder: what an address of it begins with, what can be wrong with one, and how it is opened.</summary>
/// <param name="Schemes">What comes before <c>://</c>.</param>
/// <param name="Mistakes">What is wrong with an address, a sentence each, without what is secret in it.</param>
/// <param name="Open">Makes the store of a valid address, with a folder for what belongs beside the state; connects to nothing yet.</param>
public sealed record StateStoreKind(
    IReadOnlyList<string> Schemes, Func<Secret, IEnumerable<string>> Mistakes, Func<Secret, string, TimeProvider, ILogger, IStateStore> Open);

/// <summary>The one list of kinds of state stores: a new one is a folder beside this file and a line in it.</summary>
public static class StateStores
{
    /// <summary>Where dead letters lie when the state itself does not lie in a folder.</summary>
    public const string FolderBeside = "./.espipe";

    private static readonly IReadOnlyList<StateStoreKind> All =
    [
        new(["postgres", "postgresql"], PostgresAddress.Mistakes, (address, folder, time, log) => new PostgresStateStore(address, folder, time, log)),
    ];

    /// <summary>What is wrong with the value of <c>--state</c>, a sentence each.</summary>
    public static IEnumerable<string> Mistakes(string state)
    {
        if (SchemeOf(state) is not { } scheme) return [];
        return Find(scheme) is { } kind
            ? kind.Mistakes(new Secret(state)).Select(m => $"--state: {m}.")
            : [$"--state: there is no state store '{scheme}'; give a folder or an address that begins with {string.Join(" or ", All.Select(k => k.Schemes[0] + "://"))}."];
    }

    /// <summary>The store that <c>--state</c> names: a folder, unless it is an address.</summary>
    /// <param name="state">The value.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where a store logs.</param>
    /// <exception cref="Core.Errors.PipelineException"><see cref="ConfigurationErrors.Invalid"/>: one of the <see cref="Mistakes"/>.</exception>
    public static IStateStore Open(string state, TimeProvider time, ILogger log)
    {
        if (Mistakes(state).FirstOrDefault() is { } mistake) throw ConfigurationErrors.Invalid.Error(mistake);
        return SchemeOf(state) is { } scheme ? Find(scheme)!.Open(new Secret(state), FolderBeside, time, log) : new FileStateStore(state, time);
    }

    private static StateStoreKind? Find(string scheme) => All.FirstOrDefault(k => k.Schemes.Contains(scheme));

    private static string? SchemeOf(string state) => state.IndexOf("://", StringComparison.Ordinal) is > 0 and var end ? state[..end] : null;
}
