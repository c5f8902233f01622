namespace EsPipeline.Connectors.Files;

/// <summary>
/// The headers of several files of which only the line numbers are keys. Where no column of the key has to be there, a file without a header would
/// lose its first row to the names of its columns: each header has to share a column with the first one.
/// </summary>
/// <param name="options">How the files are read.</param>
/// <param name="others">The headers of files that may be of other columns; null for none.</param>
internal sealed class CsvHeaders(CsvOptions options, CsvHeaders? others = null)
{
    private (string Path, IReadOnlyList<string> Columns)? _first;
    private bool _told;

    /// <summary>Takes the first doubt about files that may be of other columns, in place of an error; null where they may not.</summary>
    public Action<string>? Tell { get; init; }

    /// <summary>Told of each header that is read.</summary>
    /// <param name="path">The file's whole name.</param>
    /// <param name="columns">Its columns.</param>
    /// <exception cref="Core.Errors.PipelineException"><see cref="FilesErrors.OtherHeader"/>.</exception>
    public void Check(string path, IReadOnlyList<string> columns)
    {
        if (options.IdColumn != "@line" || options.NoHeader || columns.Count == 0) return;
        _first ??= (path, columns);
        var (first, names) = _first.Value;
        if (!columns.Any(names.Contains))
        {
            var doubt = $"The first line of {path} names no column that {first} has ({string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", …" : "")}): it may be a row, of a file without a header";
            if (Tell is null)
            {
                throw FilesErrors.OtherHeader.Error(
                    doubt + ".", $"Give every file the header, or say that none has one ({options.NoHeaderOption}); or copy files of other columns in a run of their own.");
            }

            if (!_told) Tell(doubt);
            _told = true;
        }

        others?.Check(path, columns);
    }
}
