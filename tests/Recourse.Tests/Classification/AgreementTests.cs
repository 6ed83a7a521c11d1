namespace Recourse.Tests.Classification;

/// <summary>The table against the tables of the drivers and standards themselves.</summary>
public sealed class AgreementTests
{
    // Where sources contradict each other there is nothing to agree with; docs/decisions/0002-disputed-codes.md says what was chosen and
    // why.
    private static readonly Dictionary<(string Family, string Code), Persistence> Chosen = new()
    {
        [("http", "429")] = Persistence.Transient,
        [("http", "413")] = Persistence.Permanent,
        [("http", "501")] = Persistence.Permanent,
        [("http", "505")] = Persistence.Permanent,
        [("grpc", "10")] = Persistence.Transient,
        [("postgres", "53000")] = Persistence.Transient,
        [("postgres", "53100")] = Persistence.Transient,
        [("postgres", "53200")] = Persistence.Transient,
        [("postgres", "53300")] = Persistence.Transient,
        [("sqlserver", "4060")] = Persistence.Transient,
        [("redis", "READONLY")] = Persistence.Transient,
        [("redis", "OOM")] = Persistence.Transient,
        [("redis", "MISCONF")] = Persistence.Transient,
        [("redis", "BUSY")] = Persistence.Transient,
        [("redis", "ERR")] = Persistence.Permanent,
        [("kafka", "8")] = Persistence.Transient,
        [("socket", "ENOTFOUND")] = Persistence.Transient,
        [("socket", "ENETUNREACH")] = Persistence.Transient,
        [("elasticsearch", "502")] = Persistence.Transient,
        [("elasticsearch", "503")] = Persistence.Transient,
    };

    [Fact]
    public void The_table_agrees_with_every_source_on_every_code_that_is_not_disputed()
    {
        var disputed = ClassificationData.Disputed();
        var report = new SortedDictionary<string, (int Agree, int All)>();
        var wrong = new List<string>();
        foreach (var row in ClassificationData.All().Where(row => row.Code.Length > 0 && row.Transient != "unknown"))
        {
            if (disputed.Contains((row.Family, row.Code))) continue;
            var found = FaultClassifier.Default.Classify(row.Family, row.Code, row.Message);
            var expected = row.Transient == "true" ? Persistence.Transient : Persistence.Permanent;
            var agrees = found?.Persistence == expected;
            var (agree, all) = report.GetValueOrDefault(row.Family);
            report[row.Family] = (agree + (agrees ? 1 : 0), all + 1);
            if (!agrees) wrong.Add($"{row.Family} {row.Code} is {found?.Persistence}, the source says {row.Transient} ({row.Source})");
        }

        foreach (var (family, (agree, all)) in report) TestContext.Current.TestOutputHelper?.WriteLine($"{family,-14} {agree}/{all}");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(report.Values.Sum(count => count.All) > 1000, "The file has fewer rows than expected.");
    }

    [Fact]
    public void The_table_agrees_on_throttling_wherever_the_sources_agree()
    {
        var wrong = ClassificationData.All()
            .Where(row => row.Code.Length > 0)
            .GroupBy(row => (row.Family, row.Code))
            .Where(group => group.Select(row => row.Throttling).Distinct().Count() == 1)
            .Where(group => Throttles(group.Key.Family, group.Key.Code) != group.First().Throttling)
            .Select(group => $"{group.Key}: the sources say {group.First().Throttling}");

        Assert.Empty(wrong);
    }

    private static bool Throttles(string family, string code) => FaultClassifier.Default.Classify(family, code) is { Throttling: true };

    [Fact]
    public void Exactly_the_pairs_that_the_decision_page_names_are_disputed()
    {
        var families = ClassificationData.All().Select(row => row.Family).ToHashSet();
        // The empty code stands for "no code": the sources speak of different exceptions there, not of one code.
        var disputed = ClassificationData.Disputed().Where(pair => pair.Code.Length > 0).Order();
        var named = Chosen.Keys.Where(pair => families.Contains(pair.Family)).Order();

        Assert.Equal(disputed, named);
    }

    [Fact]
    public void The_choice_on_each_disputed_code_stands_in_the_table()
    {
        Assert.Equal(20, Chosen.Count);
        Assert.All(Chosen, pair => Assert.Equal(pair.Value, FaultClassifier.Default.Classify(pair.Key.Family, pair.Key.Code)?.Persistence));
    }
}
