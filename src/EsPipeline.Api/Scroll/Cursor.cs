using System.Text.Json;
using System.Text.Json.Serialization;

namespace EsPipeline.Api.Scroll;

/// <summary>Where a scroll is: everything that the next page needs, so that no copy of the API has to remember anything.</summary>
/// <param name="Index">The index.</param>
/// <param name="View">The id of the point in time.</param>
/// <param name="After">The sort values of the last document, as the server gave them.</param>
/// <param name="Size">Documents in a page.</param>
/// <param name="Fields">The fields that come back; empty for all.</param>
/// <param name="Sort">The order, as the caller gave it.</param>
/// <param name="Total">Documents in the view.</param>
/// <param name="Seen">Documents on the pages before.</param>
/// <param name="Expires">When it is no longer good.</param>
/// <param name="Place">By what <see cref="OpenViews"/> knows the view; 0 in a cursor of an earlier version.</param>
internal sealed record Cursor(string Index, string View, JsonElement After, int Size, string Fields, string Sort, long Total, long Seen, DateTimeOffset Expires, long Place = 0);

/// <summary>How a cursor is written before it is sealed.</summary>
[JsonSerializable(typeof(Cursor))]
internal sealed partial class CursorJson : JsonSerializerContext;
