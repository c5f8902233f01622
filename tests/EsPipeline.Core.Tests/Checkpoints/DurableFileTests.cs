using System.Text;
using EsPipeline.Core.Checkpoints;

namespace EsPipeline.Core.Tests.Checkpoints;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_is_made_and_replaced_for_this_user_alone()
    {
        var path = _folder.File("f");
        foreach (var content in (string[])["one", "longer than before", ""])
        {
            await DurableFile.ReplaceAsync(path, Encoding.UTF8.GetBytes(content), Ct);
            Assert.Equal(content, await File.ReadAllTextAsync(path, Ct));
            Assert.Equal([path], Directory.GetFiles(_folder.Path));
        }

        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task Leftovers_of_a_crash_at_any_step_are_overcome()
    {
        var (path, old, next) = (_folder.File("f"), "the old content"u8.ToArray(), "the new content, which is longer"u8.ToArray());
        for (var written = 0; written <= next.Length; written++)
        {
            await File.WriteAllBytesAsync(path, old, Ct);
            await File.WriteAllBytesAsync(path + ".tmp", next[..written], Ct);
            Assert.Equal(old, await File.ReadAllBytesAsync(path, Ct));
            await DurableFile.ReplaceAsync(path, "after"u8.ToArray(), Ct);
            Assert.Equal("after", await File.ReadAllTextAsync(path, Ct));
            Assert.False(File.Exists(path + ".tmp"));
        }
    }

    [Fact]
    public async Task A_full_disk_leaves_the_old_content_and_nothing_else()
    {
        using var disk = SmallDisk.Mount(64 * 1024);
        var path = disk.File("f");
        await DurableFile.ReplaceAsync(path, "old"u8.ToArray(), Ct);
        await disk.FillAsync(Ct);
        await Assert.ThrowsAsync<IOException>(() => DurableFile.ReplaceAsync(path, new byte[30_000], Ct));
        Assert.Equal("old", await File.ReadAllTextAsync(path, Ct));
        Assert.False(File.Exists(path + ".tmp"));
        disk.Empty();
        await DurableFile.ReplaceAsync(path, new byte[30_000], Ct);
        Assert.Equal(30_000, new FileInfo(path).Length);
    }

    [Fact]
    public async Task Cancelled_it_changes_nothing()
    {
        var path = _folder.File("f");
        await DurableFile.ReplaceAsync(path, "old"u8.ToArray(), Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DurableFile.ReplaceAsync(path, "new"u8.ToArray(), new CancellationToken(canceled: true)));
        Assert.Equal("old", await File.ReadAllTextAsync(path, Ct));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_folder_is_for_this_user_alone_and_one_that_exists_is_left_as_it_is()
    {
        if (OperatingSystem.IsWindows()) return;
        var path = _folder.File("made");
        DurableFile.CreateFolder(path);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead);
        DurableFile.CreateFolder(path);
        Assert.True(File.GetUnixFileMode(path).HasFlag(UnixFileMode.GroupRead));
    }

    [Fact]
    public void A_folder_that_is_not_there_can_not_be_synced()
    {
        DurableFile.SyncFolder(_folder.Path);
        Assert.Throws<IOException>(() => DurableFile.SyncFolder(_folder.File("missing")));
    }

    [Fact]
    public void A_file_system_that_knows_no_sync_of_folders_is_taken_as_it_is()
    {
        // Linux answers EINVAL here, as it does for a share of Windows.
        if (OperatingSystem.IsLinux()) DurableFile.SyncFolder("/proc/self");
    }

    [Fact]
    public void What_has_no_disk_needs_no_sync()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var nowhere = new FileStream("/dev/null", FileMode.Open, FileAccess.Write);
        DurableFile.Sync(nowhere);
    }

    [Theory]
    [InlineData(5, false, "EIO")]
    [InlineData(9, false, "EBADF")]
    [InlineData(28, false, "ENOSPC")]
    [InlineData(30, false, "EROFS")]
    [InlineData(122, false, "EDQUOT")]
    [InlineData(22, true, "EINVAL")]
    [InlineData(95, true, "ENOTSUP")]
    public void Only_what_says_that_there_is_nothing_to_sync_counts_as_synced(int error, bool isSynced, string name) =>
        Assert.Equal((name, isSynced), (name, DurableFile.IsNotForFiles(error)));
}
