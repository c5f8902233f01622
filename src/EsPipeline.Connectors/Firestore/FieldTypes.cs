using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Firestore;

/// <summary>How a field's values are written, where the JSON value alone does not say.</summary>
internal enum FieldForm
{
    /// <summary>As the JSON value says.</summary>
    Json,

    /// <summary>A timestamp.</summary>
    Timestamp,

    /// <summary>A geographical point.</summary>
    GeoPoint,

    /// <summary>Bytes, from base64.</summary>
    Bytes,

    /// <summary>A number whose digits all count.</summary>
    Decimal,

    /// <summary>A shape.</summary>
    Shape,
}

/// <summary>The fields of a source's schema that Firestore has a type of its own for, as a tree of their names.</summary>
internal sealed class FieldTypes
{
    private readonly Dictionary<byte[], FieldTypes> _children = new(KeyComparer.Instance);

    /// <summary>How the field's values are written.</summary>
    public FieldForm Form { get; private set; }

    /// <summary>What reads a <see cref="FieldForm.Timestamp"/>.</summary>
    public DateFormats? Dates { get; private set; }

    /// <summary>The tree of a schema; null where no field needs more than its JSON value.</summary>
    public static FieldTypes? Of(SourceSchema schema)
    {
        FieldTypes? root = null;
        foreach (var field in schema.Fields)
        {
            var form = FormOf(field);
            if (form == FieldForm.Json) continue;
            var node = root ??= new FieldTypes();
            foreach (var name in field.Path.Split('.'))
            {
                var key = Encoding.UTF8.GetBytes(name);
                if (!node._children.TryGetValue(key, out var child)) node._children[key] = child = new FieldTypes();
                node = child;
            }

            node.Form = form;
            if (form == FieldForm.Timestamp) node.Dates = new DateFormats(field.Format);
        }

        return root;
    }

    /// <summary>The field of a name in a document, which may be a path with dots; null where it needs no more than its JSON value.</summary>
    public FieldTypes? Find(ReadOnlySpan<byte> name)
    {
        // No child's name has a dot, so the first one decides: to try each would take 2^n steps for n dots.
        var dot = name.IndexOf((byte)'.');
        if (!_children.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(dot < 0 ? name : name[..dot], out var child)) return null;
        return dot < 0 ? child : child.Find(name[(dot + 1)..]);
    }

    private static FieldForm FormOf(SourceField field) => field.Kind switch
    {
        FieldKind.Timestamp => FieldForm.Timestamp,
        FieldKind.GeoPoint => FieldForm.GeoPoint,
        FieldKind.Binary => FieldForm.Bytes,
        FieldKind.Decimal => FieldForm.Decimal,
        _ => field.NativeType is "geo_shape" or "shape" ? FieldForm.Shape : FieldForm.Json,
    };
}
