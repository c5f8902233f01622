using System.Reflection;
using EsPipeline.Api;
using EsPipeline.Connectors;
using EsPipeline.Core.Errors;

namespace EsPipeline.Cli;

/// <summary>Every error code that espipe can raise: the public static fields of all classes whose name ends in <c>Errors</c>.</summary>
internal static class ErrorCatalog
{
    private static readonly Lazy<Dictionary<string, ErrorCode>> Codes = new(() =>
        new[] { typeof(ErrorCode).Assembly, typeof(BuiltInConnectors).Assembly, typeof(ApiErrors).Assembly }
            .SelectMany(a => a.GetTypes())
            .Where(t => t.Name.EndsWith("Errors", StringComparison.Ordinal))
            .SelectMany(t => t.GetFields(BindingFlags.Public | BindingFlags.Static))
            .Where(f => f.FieldType == typeof(ErrorCode))
            .Select(f => (ErrorCode)f.GetValue(null)!)
            .ToDictionary(c => c.Code, StringComparer.Ordinal));

    /// <summary>All codes.</summary>
    public static IReadOnlyCollection<ErrorCode> All => Codes.Value.Values;

    /// <summary>The code of a name; null where no release of this line raises it.</summary>
    public static ErrorCode? Find(string code) => Codes.Value.GetValueOrDefault(code);
}
