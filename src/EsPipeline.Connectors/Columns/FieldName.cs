using System.Text.Json;

namespace EsPipeline.Connectors.Columns;

/// <summary>The names of fields, which may be no text at all.</summary>
internal static class FieldName
{
    /// <summary>The name that the reader stands on; null where it holds half of a surrogate pair, which no column's name can.</summary>
    public static string? Of(ref Utf8JsonReader property)
    {
        try
        {
            return property.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
