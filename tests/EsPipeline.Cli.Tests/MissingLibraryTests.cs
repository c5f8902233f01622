namespace EsPipeline.Cli.Tests;

/// <summary>A machine without MariaDB Connector/C: who uses MySQL is told what to install, and nobody else needs it.</summary>
public sealed class MissingLibraryTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    public MissingLibraryTests()
    {
        TestServers.Need(OperatingSystem.IsLinux(), "Only Linux looks for libraries in LD_LIBRARY_PATH.");

        // What lies there is found first, and is no library.
        Directory.CreateDirectory(_folder.File("lib"));
        foreach (var name in new[] { "libmariadb.so.3", "libmariadb.so", "mariadb.so", "libmariadb", "mariadb" }) _folder.Write($"lib/{name}", "");
        _folder.Environment["LD_LIBRARY_PATH"] = _folder.File("lib");
        CsvCopy.Write(_folder, 3);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("full-sync")]
    [InlineData("health-check")]
    public async Task Writing_to_mysql_ends_with_one_sentence_and_the_command_that_mends_it(string mode)
    {
        var run = (await _folder.RunAsync(
            "--source", "csv", "--csv-file", "in.csv", "--sink", "mysql", "--db-user", "u", "--db-name", "d", "--db-table", "t", "--mode", mode)).Ended(1);
        Assert.Single(run.Said.Split('\n'), l => l.Contains("(mysql.no_library)", StringComparison.Ordinal));
        Assert.Contains("apt-get install libmariadb3", run.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_that_does_not_use_mysql_does_not_need_it()
    {
        (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0);
        Assert.Equal(3, CsvCopy.Lines(_folder).Length);
    }
}
