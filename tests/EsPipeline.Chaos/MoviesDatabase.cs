using System.Diagnostics;
using System.Text.RegularExpressions;
using EsPipeline.Connectors.Tests.Postgres;
using Npgsql;

namespace EsPipeline.Chaos;

/// <summary>A database with the data of <c>samples/movies</c>, loaded by the lines of its README, whose other lines are run here, too.</summary>
internal sealed partial class MoviesDatabase(PostgresServer server, ElasticsearchCopy copy) : IAsyncDisposable
{
    private readonly string _name = "movies_" + Guid.NewGuid().ToString("N")[..16];
    private NpgsqlDataSource? _pool;

    /// <summary>Its address, as <c>PG_URL</c> has it.</summary>
    public string Url => $"postgres://{server.User}@{server.Host}:{server.Port}/{_name}";

    /// <summary>The line of the README that runs espipe, without its name; the index is another one.</summary>
    public IReadOnlyList<string> Run => Line("espipe --source");

    /// <summary>The one that compares and mends.</summary>
    public IReadOnlyList<string> Mend => Line("espipe verify --repair --prune");

    private static string Sample
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!Directory.Exists(Path.Combine(folder.FullName, "samples"))) folder = folder.Parent!;
            return Path.Combine(folder.FullName, "samples", "movies");
        }
    }

    /// <summary>Loads the data as the README does.</summary>
    public async Task LoadAsync()
    {
        await server.ExecuteAsync($"CREATE DATABASE {_name}");
        _pool = NpgsqlDataSource.Create($"Host={server.Host};Port={server.Port};Username={server.User};Database={_name};Pooling=false");
        await ShellAsync(Block("export PG_URL=").Replace("postgres://user:password@host:port/database", Url, StringComparison.Ordinal));
    }

    /// <summary>Runs what the README runs to change something: the person with the most films is called Zed Zebra, and a film goes.</summary>
    public Task ChangeAsync() => ShellAsync(Block("psql \"$PG_URL\" -c \"UPDATE"));

    /// <summary>Runs a statement.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = _pool!.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The first column of each row of an answer.</summary>
    public async Task<List<string>> ColumnAsync(string sql)
    {
        await using var command = _pool!.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var values = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken)) values.Add(reader.GetString(0));
        return values;
    }

    /// <summary>Every film's document as the sample's SELECT makes it now.</summary>
    public async Task<Dictionary<string, string>> DocumentsAsync()
    {
        var select = DocumentText().Match(await File.ReadAllTextAsync(Path.Combine(Sample, "documents.yaml"))).Groups["sql"].Value
            .Replace("@keys", "(ARRAY(SELECT id FROM content.film_work))", StringComparison.Ordinal);
        await using var command = _pool!.CreateCommand($"SELECT id::text, row_to_json(d)::text FROM ({select}) d");
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var documents = new Dictionary<string, string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken)) documents.Add(reader.GetString(0), reader.GetString(1));
        return documents;
    }

    public async ValueTask DisposeAsync()
    {
        if (_pool is null) return;
        await _pool.DisposeAsync();
        foreach (var slot in await server.RowsAsync($"SELECT slot_name::text FROM pg_replication_slots WHERE database = '{_name}'")) await server.LoseSlotAsync(slot[0]);
        await server.ExecuteAsync($"DROP DATABASE {_name} WITH (FORCE)");
    }

    private string[] Line(string beginning)
    {
        var words = Block(beginning).Replace("\\\n", " ", StringComparison.Ordinal).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)[1..];
        return
        [
            .. words.Select(w => w switch
            {
                "documents.yaml" or "mapping.json" => Path.Combine(Sample, w),
                "movies" => copy.Name,
                "http://localhost:9200" => TestServers.Elasticsearch.ToString(),
                _ => w,
            }),
        ];
    }

    // The shell lines of the README that begin with a text.
    private static string Block(string beginning) => ShellBlock().Matches(File.ReadAllText(Path.Combine(Sample, "README.md")))
        .Select(m => m.Groups["lines"].Value).Single(b => b.StartsWith(beginning, StringComparison.Ordinal));

    private async Task ShellAsync(string lines)
    {
        lines = lines.Replace("http://localhost:9200/movies", new Uri(TestServers.Elasticsearch, copy.Name).ToString(), StringComparison.Ordinal);
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", lines])
        {
            WorkingDirectory = Sample,
            Environment = { ["PG_URL"] = Url },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = shell.StandardOutput.ReadToEndAsync();
        var errors = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(shell.ExitCode == 0, $"{lines}\n{await output}\n{errors}");
    }

    [GeneratedRegex("```sh\n(?<lines>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ShellBlock();

    [GeneratedRegex("^document: \\|\n(?<sql>(  [^\n]*\n)+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DocumentText();
}
