using System.Globalization;
using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Rows of every type, keys of every kind, queries, and times.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlReadingTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615")]
    [InlineData("INT(6) UNSIGNED ZEROFILL", "42", "42")]
    [InlineData("DECIMAL(65,30)", "-12345678901234567890.123456789012345678901234567890", "-12345678901234567890.123456789012345678901234567890")]
    [InlineData("DECIMAL(4,2)", "0.5", "0.50")]
    [InlineData("DOUBLE", "1.7976931348623157e308", "1.7976931348623157e308")]
    [InlineData("DOUBLE", "0.1", "0.1")]
    [InlineData("FLOAT", "3.14159", "3.14159")]
    [InlineData("FLOAT", "16777217", "16777216")]
    [InlineData("BIT(10)", "b'1000000001'", "513")]
    [InlineData("BOOLEAN", "TRUE", "1")]
    [InlineData("YEAR", "2024", "2024")]
    [InlineData("DATE", "'2024-02-29'", "\"2024-02-29\"")]
    [InlineData("DATETIME", "'2024-02-29 23:59:59'", "\"2024-02-29T23:59:59Z\"")]
    [InlineData("DATETIME(6)", "'2024-02-29 23:59:59.000001'", "\"2024-02-29T23:59:59.000001Z\"")]
    [InlineData("TIME(3)", "'-12:30:15.5'", "\"-12:30:15.500\"")]
    [InlineData("TEXT", "'a\\\\b\"c\\n\\t\\0é😀'", "\"a\\\\b\\\"c\\n\\t\\u0000é😀\"")]
    [InlineData("VARCHAR(10) CHARACTER SET latin1", "'é'", "\"é\"")]
    [InlineData("BLOB", "X'00FFC328'", "\"AP/DKA==\"")]
    [InlineData("BINARY(4)", "X'01'", "\"AQAAAA==\"")]
    [InlineData("JSON", "'{\"a\": [1, 1.50, null]}'", "{\"a\": [1, 1.50, null]}")]
    [InlineData("ENUM('x','it''s')", "'it''s'", "\"it's\"")]
    [InlineData("SET('a','b','c')", "'a,c'", "\"a,c\"")]
    [InlineData("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "\"123e4567-e89b-12d3-a456-426655440000\"")]
    [InlineData("INT", "NULL", "null")]
    [InlineData("POINT", "ST_GeomFromText('POINT(1 2)')", "{\"type\": \"Point\", \"coordinates\": [1, 2]}")]
    public async Task A_value_becomes_json_without_losing_a_digit(string type, string literal, string json)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync($"CREATE TABLE docs (k INT PRIMARY KEY, v {type})", $"INSERT INTO docs VALUES (1,{literal})");
        await using var source = database.Source(database.Options with { Shape = MySqlShape.Columns });
        var record = Assert.Single((await MySqlDatabase.ReadAsync(source)).Records);
        Assert.Equal(("1", $$"""{"k":1,"v":{{json}}}"""), (record.Key, record.Json));
    }

    [Theory]
    [InlineData("id INT PRIMARY KEY, title TEXT, author TEXT, content JSON", null, """{"id":1,"title":"t","author":"a","content":{"n":1}}""")]
    [InlineData("id INT PRIMARY KEY, title TEXT, author TEXT, content JSON", MySqlShape.Document, """{"n":1}""")]
    [InlineData("id INT PRIMARY KEY, content JSON", null, """{"n":1}""")]
    [InlineData("id INT PRIMARY KEY, content JSON, n INT AS (JSON_VALUE(content,'$.n'))", null, """{"n":1}""")]
    public async Task Only_what_is_nothing_but_a_key_and_a_document_is_read_as_documents(string columns, MySqlShape? shape, string json)
    {
        await using var database = await servers.NewDatabaseAsync();
        var more = columns.Contains("title", StringComparison.Ordinal);
        await database.ExecuteAsync(
            $"CREATE TABLE docs ({columns})",
            more ? "INSERT INTO docs VALUES (1,'t','a','{\"n\":1}')" : "INSERT INTO docs (id,content) VALUES (1,'{\"n\":1}')");
        await using var source = database.Source(database.Options with { Shape = shape });
        Assert.Equal(json, Assert.Single((await MySqlDatabase.ReadAsync(source)).Records).Json);
    }

    [Theory]
    [InlineData("INT", "", 500)]
    [InlineData("BIGINT UNSIGNED", "18446744073709551000+", 500)]
    [InlineData("VARCHAR(40) COLLATE utf8mb4_general_ci", "'Key '+", 500)]
    [InlineData("VARCHAR(40) COLLATE utf8mb4_unicode_ci", "'é'+", 500)]
    [InlineData("VARBINARY(40)", "'b'+", 500)]
    [InlineData("DECIMAL(20,5)", "-250.5+", 500)]
    [InlineData("DOUBLE", "0.1*", 500)]
    [InlineData("FLOAT", "0.1*", 500)]
    [InlineData("DATE", "date", 300)]
    [InlineData("DATETIME(3)", "time", 300)]
    [InlineData("BIT(16)", "", 500)]
    public async Task A_key_of_any_type_is_read_in_pages_and_ranges(string type, string values, int count)
    {
        await using var database = await servers.NewDatabaseAsync();
        var rows = Enumerable.Range(1, count).Select(i => (i, values switch
        {
            "date" => $"DATE_ADD('2024-01-01',INTERVAL {i} DAY)",
            "time" => $"DATE_ADD('2024-01-01',INTERVAL {i} MICROSECOND)+INTERVAL {i} SECOND",
            _ when values.EndsWith('*') => string.Create(CultureInfo.InvariantCulture, $"{values[..^1]}*{i}"),
            _ when values.StartsWith('\'') => $"CONCAT({values[..^1]},'{i}')",
            _ => $"{values}{i}",
        }));
        await database.ExecuteAsync($"CREATE TABLE docs (k {type} PRIMARY KEY, n INT)", $"INSERT INTO docs VALUES {string.Join(',', rows.Select(r => $"({r.Item2},{r.i})"))}", "ANALYZE TABLE docs");
        foreach (var (pageSize, parallelism) in ((int, int)[])[(7, 1), (40, 3)])
        {
            await using var source = database.Source(database.Options with { Shape = MySqlShape.Columns }, pageSize: pageSize);
            var reading = await MySqlDatabase.ReadAsync(source, parallelism: parallelism);
            ContentAssert.Unique(reading.Records);
            Assert.Equal(count, reading.Records.Count());
        }
    }

    [Fact]
    public async Task Columns_of_a_key_are_joined_so_that_no_two_keys_are_one()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (a VARCHAR(20), b ENUM('z','y'), n INT, PRIMARY KEY (a,b))",
            "INSERT INTO docs VALUES ('x,y','z',1),('x','z',2),('x','y',3),('x%2Cy','z',4),('w','y',5)");
        await using var source = database.Source(database.Options with { Shape = MySqlShape.Columns }, pageSize: 1);
        var reading = await MySqlDatabase.ReadAsync(source);
        Assert.Equal(["w,y", "x,z", "x,y", "x%252Cy,z", "x%2Cy,z"], reading.Records.Select(r => r.Key));
        Assert.Equal(["w,y", "x%252Cy,z", "x%2Cy,z", "x,y", "x,z"], reading.Records.Select(r => r.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_table_without_a_key_is_told_what_to_do()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (a INT, b INT UNIQUE)");
        await using var source = database.Source();
        Assert.Equal(TableErrors.NoKey, (await Health.OfAsync(source)).Problem?.Error);
        await using var byB = database.Source(database.Options with { Key = ["b"] });
        Assert.Equal(TableErrors.NoKey, (await Health.OfAsync(byB)).Problem?.Error);
    }

    [Fact]
    public async Task A_query_is_read_by_its_key_and_a_key_that_comes_twice_is_told()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (k INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO docs VALUES (1,'a'),(2,'b'),(3,'a'),(4,'c')");
        var query = $"SELECT v AS id, k AS n FROM {database.Name}.docs WHERE k<=3 -- a comment";
        await using var source = database.Source(run: new RunOptions { Query = query }, pageSize: 2);
        Assert.Null((await Health.OfAsync(source)).Problem);
        var reading = await MySqlDatabase.ReadAsync(source, new Selection(query), parallelism: 4);
        Assert.Equal(["a", "b"], reading.Records.Select(r => r.Key));
        Assert.Equal(TableErrors.DuplicateKey, Assert.Single(reading.Malformed).Found.Error);

        await using var wrong = database.Source(run: new RunOptions { Query = "DELETE FROM docs" });
        Assert.Equal(TableErrors.BadQuery, (await Health.OfAsync(wrong)).Problem?.Error);
        Assert.Equal("4", (await database.RowsAsync($"SELECT COUNT(*) FROM {database.Name}.docs"))[0][0]);
    }

    [Fact]
    public async Task Times_select_both_bounds_included()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (k INT PRIMARY KEY, at TIMESTAMP(6) NULL)", "SET time_zone='+00:00'",
            "INSERT INTO docs VALUES (1,'2024-01-01 00:00:00'),(2,'2024-01-02 00:00:00'),(3,'2024-01-03 00:00:00'),(4,NULL)");
        await using var source = database.Source(database.SourceOptions with { UpdatedColumn = "at", Shape = MySqlShape.Columns });
        var selection = new Selection(Since: new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), Until: new(2024, 1, 2, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal(["1", "2"], (await MySqlDatabase.ReadAsync(source, selection)).Records.Select(r => r.Key));
        await using var blind = database.Source();
        var refused = await Assert.ThrowsAsync<PipelineException>(() => MySqlDatabase.ReadAsync(blind, selection));
        Assert.Equal(TableErrors.CannotSelect, refused.Error);
    }

    [Fact]
    public async Task Changes_without_a_column_of_times_are_refused_before_anything_is_copied()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (k INT PRIMARY KEY)");
        await using var source = database.Source(run: new RunOptions { Mode = RunMode.Continuous });
        Assert.Equal(TableErrors.CannotFollow, (await Health.OfAsync(source)).Problem?.Error);
    }

    [Fact]
    public async Task A_pass_over_changes_that_is_broken_off_goes_on_and_misses_nothing()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var set = await MySqlDataSet.CreateAsync(database, [.. Corpus.Plain(50)]);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Corpus.Plain(200, seed: 2)], Ct);
        var partitions = new Dictionary<PartitionId, Position>(snapshot.Saved);
        var documents = snapshot.Apply();
        for (var batches = 1; ; batches++)
        {
            // Each time a new process, which is killed after a batch; rows change meanwhile.
            await using var source = set.Open(new SourceKnobs { PageSize = 60 });
            var partition = Assert.Single(await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Changes, 1, partitions), Ct));
            var before = partitions.GetValueOrDefault(partition.Id, partition.Start);
            var complete = true;
            await foreach (var batch in source.ReadAsync(partition, before, Ct))
            {
                foreach (ref readonly var record in batch.Records.Span) documents[System.Text.Encoding.UTF8.GetString(record.Key.Span)] = System.Text.Encoding.UTF8.GetString(record.Json.Span);
                partitions = new() { [partition.Id] = batch.End };
                batch.Dispose();
                if (batches > 3) continue;
                complete = false;
                break;
            }

            if (complete) break;
            await set.PutAsync([.. Corpus.Plain(200 + (10 * batches), seed: 3 + batches).Skip(150)], Ct);
        }

        var expected = (await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct)).Apply();
        Assert.Equal(expected.OrderBy(p => p.Key), documents.OrderBy(p => p.Key));
    }
}
