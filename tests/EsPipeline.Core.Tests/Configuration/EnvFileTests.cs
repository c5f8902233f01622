using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Tests.Configuration;

public sealed class EnvFileTests
{
    private const string Key = "-----BEGIN PRIVATE KEY-----\nMIIE+/=\nxyz\n-----END PRIVATE KEY-----\n";

    private static readonly Dictionary<string, string> NoEnvironment = [];

    public static TheoryData<string, string> Lines => new()
    {
        { "A=plain", "plain" },
        { "A=", "" },
        { "A = spaced out ", "spaced out" },
        { "export A=exported", "exported" },
        { "\tA=\ttabs\t", "tabs" },
        { "A=with=equals", "with=equals" },
        { "A=value # comment", "value" },
        { "A=value#not-a-comment", "value#not-a-comment" },
        { "A=#not-a-comment-either", "#not-a-comment-either" },
        { "A='single $X ${X} \\n # kept'", "single $X ${X} \\n # kept" },
        { "A=\"double \\\"quoted\\\" \\\\ \\t.\"", "double \"quoted\" \\ \t." },
        { "A=\"line\\nbreak\"", "line\nbreak" },
        { "A=\"line\nbreak\"", "line\nbreak" },
        { "A='line\nbreak'", "line\nbreak" },
        { "A=\"\" # nothing", "" },
        { "A=\"kept \\x as it is\"", "kept \\x as it is" },
        { "A=pa$$word", "pa$$word" },
        { "A=$HOME", "$HOME" },
        { "A=a$", "a$" },
        { "A=\"pa$$word\"", "pa$$word" },
        { "A=\"\\${X}\"", "${X}" },
        { "A=S3cr3t!%40/:?#", "S3cr3t!%40/:?#" },
        { "A=\"S3cr3t!%40/:?#\"", "S3cr3t!%40/:?#" },
        { "A='S3cr3t!%40/:?#'", "S3cr3t!%40/:?#" },
        { "A=it's", "it's" },
        { "A=say \"hi\"", "say \"hi\"" },
        { "A=ключ 鍵 🔑", "ключ 鍵 🔑" },
        { "A=${X}", "from the environment" },
        { "A=\"<${X}>\"", "<from the environment>" },
        { "A=${MISSING:-default}", "default" },
        { "A=${MISSING}", "" },
        { "A=${X:-default}", "from the environment" },
        { "A=${EMPTY:-default}", "default" },
        { "A=${unclosed", "${unclosed" },
        { "B=1\nA=${B}2", "12" },
        { "A=1\nA=2", "2" },
        { "\uFEFFA=after a byte order mark", "after a byte order mark" },
        { "# comment\n\n  # another\nA=1", "1" },
        { "A=1\r\nB=2\r\n", "1" },
        { $"A=\"{Key}\"", Key },
        { $"A='{Key}'", Key },
        { $"A=\"{Key.Replace("\n", "\\n", StringComparison.Ordinal)}\"", Key },
        { $"A={Key.Replace("\n", "\\n", StringComparison.Ordinal)}", Key.Replace("\n", "\\n", StringComparison.Ordinal) },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_line_is_read_as_the_other_tools_read_it(string text, string expected)
    {
        var environment = new Dictionary<string, string> { ["X"] = "from the environment", ["EMPTY"] = "" };
        Assert.Equal(expected, EnvFile.Parse(text, environment, ".env")["A"]);
    }

    [Fact]
    public void The_environment_goes_before_the_files_own_names()
    {
        Assert.Equal("outer", EnvFile.Parse("B=inner\nA=${B}", new Dictionary<string, string> { ["B"] = "outer" }, ".env")["A"]);
    }

    [Theory]
    [InlineData("no equals sign", 1)]
    [InlineData("A=1\nBAD LINE=2", 2)]
    [InlineData("A=1\n=2", 2)]
    [InlineData("1A=2", 1)]
    [InlineData("A=\"two\nlines\"\nB='never closed\nC=3", 3)]
    [InlineData("A=\"never closed", 1)]
    [InlineData("A='closed' and more", 1)]
    public void A_line_that_can_not_be_read_is_named_and_never_shown(string text, int line)
    {
        var error = Assert.Throws<PipelineException>(() => EnvFile.Parse(text, NoEnvironment, "my.env"));
        Assert.Equal("config.env_file", error.Code);
        Assert.StartsWith($"my.env line {line}: ", error.Message, StringComparison.Ordinal);
        foreach (var word in (string[])["never closed\n", "more", "two", "equals sign"]) Assert.DoesNotContain(word, error.Message.Replace("is never closed", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_alone_gives_no_value()
    {
        Assert.Equal(["B"], EnvFile.Parse("A\nexport C # from outside\r\nB=1\nD", NoEnvironment, ".env").Keys);
    }

    [Fact]
    public void A_file_that_is_not_there_has_no_names()
    {
        using var folder = new TemporaryFolder();
        Assert.Empty(EnvFile.Read(folder.File(".env"), NoEnvironment));

        // One that is there and can't be read, not even by root: somebody holds it for himself alone.
        var path = folder.File("held.env");
        using var held = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        Assert.Equal("config.env_file", Assert.Throws<PipelineException>(() => EnvFile.Read(path, NoEnvironment)).Code);
    }
}
