using System.Globalization;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// What an error number means. Numbers below 2000 and above 3000 are the server's (the files <c>errmsg-utf8.txt</c> of MariaDB and
/// <c>messages_to_clients.txt</c> of MySQL), 2000 to 2999 the client library's; 3000 to 3999 are MySQL's own, 4000 and more MariaDB's.
/// </summary>
internal static class ServerFailure
{
    private static readonly Dictionary<uint, ErrorCode> Meanings = new(
    [
        .. Of(MySqlErrors.Unreachable, 2002, 2003, 2005),
        .. Of(MySqlErrors.ConnectionLost, 1053, 1077, 1079, 1080, 1081, 1152, 1158, 1160, 1184, 1317, 1927, 2006, 2012, 2013, 2027, 2055, 4031, 5013, 5014),
        .. Of(MySqlErrors.Timeout, 1159, 1161, 1969, 3024),
        .. Of(MySqlErrors.TooManyConnections, 1040, 1203, 1226),
        .. Of(MySqlErrors.Conflict, 1020, 1205, 1213, 1412, 1614, 1615, 3101, 3572),
        .. Of(MySqlErrors.Busy, 1015, 1047, 1099, 1180, 1223, 1637, 1689, 3100, 3168),
        .. Of(MySqlErrors.SignIn, 1045, 1130, 1698, 1820, 1862, 1873, 3118, 4151),
        .. Of(MySqlErrors.SignInMethod, 1251, 1275, 1524, 2049, 2059, 2061, 5010, 5012),
        .. Of(MySqlErrors.NotAllowed, 1044, 1142, 1143, 1227, 1370, 1419),
        .. Of(MySqlErrors.NoDatabase, 1046, 1049, 1102),
        .. Of(MySqlErrors.ReadOnly, 1036, 1290, 1792, 1836),
        .. Of(MySqlErrors.NoRoom, 1021, 1114),
        .. Of(MySqlErrors.OutOfResources, 1037, 1038, 1041, 1135, 2008),
        .. Of(MySqlErrors.AskedForFile, 4166),
        .. Of(TableErrors.NoTable, 1051, 1146),
        .. Of(TableErrors.NoKey, 1173, 3750),
        .. Of(TableErrors.Changed, 1054, 1072, 1136),
        .. Of(TableErrors.PacketTooLarge, 1153, 2020),
        .. Of(TableErrors.TooLong, 1118, 1406),
        .. Of(TableErrors.OutOfRange, 1264, 1441, 1690),
        .. Of(TableErrors.WrongType, 1265, 1292, 1300, 1366, 1411, 1525, 1977, 3854, 3988),
        .. Of(TableErrors.InvalidJson, 3140, 3141, 3142, 3143, 3144, 3146, 3147, 3149, 3150, 3157, 4035, 4036, 4037, 4038, 4039, 4040),
        .. Of(TableErrors.Constraint, 1048, 1169, 1216, 1217, 1364, 1451, 1452, 1526, 1644, 1748, 3819, 4025),
        .. Of(TableErrors.Collides, 1062, 1586),
        .. Of(TableErrors.Refused, 1301, 1365, 1367, 1416, 1426, 1439, 3105),
    ]);

    /// <summary>The error that a number stands for.</summary>
    /// <param name="number">The server's or the library's number.</param>
    /// <param name="text">Its own words.</param>
    /// <param name="server">Who said it, as a person calls it.</param>
    public static PipelineException Of(uint number, string text, string server)
    {
        var meaning = Meanings.GetValueOrDefault(number, MySqlErrors.Server);

        // 1030 stands for whatever the storage engine says; 28 is ENOSPC, 122 EDQUOT, 135 and 136 its own "no more room".
        if (number == 1030) meaning = text.Contains("error 28 ", StringComparison.Ordinal) || text.Contains("error 122 ", StringComparison.Ordinal)
            || text.Contains("error 135 ", StringComparison.Ordinal) || text.Contains("error 136 ", StringComparison.Ordinal)
            ? MySqlErrors.NoRoom : MySqlErrors.Busy;

        // 2000 is the library's "unknown error", in which it refuses this among other things.
        if (number == 2000 && text.Contains("local infile", StringComparison.OrdinalIgnoreCase)) meaning = MySqlErrors.AskedForFile;
        return meaning.Error(string.Create(CultureInfo.InvariantCulture, $"{server} says: {text.TrimEnd('.')} (error {number})."));
    }

    private static IEnumerable<KeyValuePair<uint, ErrorCode>> Of(ErrorCode error, params uint[] numbers) =>
        numbers.Select(number => KeyValuePair.Create(number, error));
}
