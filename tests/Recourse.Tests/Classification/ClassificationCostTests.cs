using System.Data.Common;
using System.Diagnostics;
using System.Net.Sockets;

namespace Recourse.Tests.Classification;

/// <summary>Classifying is on the path of every failure: a typed fault must not add garbage to it.</summary>
public sealed class ClassificationCostTests
{
    private const int Rounds = 1000;

    private static readonly FaultClassifier Classifier = FaultClassifier.Default;

    public static TheoryData<string> Faults => [.. Exceptions.Keys];

    private static Dictionary<string, Exception> Exceptions { get; } = new()
    {
        ["socket"] = new SocketException((int)SocketError.ConnectionRefused),
        ["socket inside http"] = new HttpRequestException("x", new SocketException((int)SocketError.ConnectionReset)),
        ["http status"] = new HttpRequestException("x", null, System.Net.HttpStatusCode.ServiceUnavailable),
        ["postgres"] = new FaultClassifierTests.DriverException("x", "40P01"),
        ["sqlite"] = new FaultClassifierTests.DriverException("SQLite Error 5: 'database is locked'.", null),
        ["http status without a row"] = new HttpRequestException("x", null, (System.Net.HttpStatusCode)499),
        ["postgres, state without a row"] = new PostgresException("22012"),
        ["postgres, known driver"] = new PostgresException("40P01"),
        ["sqlserver"] = new SqlException("1205"),
        ["mysql"] = new MySqlException(MySqlErrorCode.LockDeadlock),
        ["driver says transient"] = new FaultClassifierTests.DriverException("qwertz", null, transient: true),
        ["grpc"] = new RpcException("Status(StatusCode=\"Unavailable\", Detail=\"x\")"),
        ["timeout"] = new TimeoutException("x"),
        ["http timeout"] = new TaskCanceledException("x", new TimeoutException("y")),
        ["text"] = new InvalidOperationException("The service is currently busy. Please retry the request later."),
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Classifying_an_exception_allocates_nothing(string name)
    {
        var exception = Exceptions[name];

        Assert.Equal(0, Allocated(() => Classifier.Judge(exception)));
    }

    [Fact]
    public void Classifying_a_status_or_a_result_allocates_nothing()
    {
        var classifier = new FaultClassifier(rules => rules.AddResultRule<int>(static status =>
            status >= 500 ? Verdict.Failure(FaultClassifier.Default.ClassifyHttp(status)) : null));

        Assert.Equal(0, Allocated(() => Classifier.ClassifyHttp(503)));
        Assert.Equal(0, Allocated(() => Classifier.Classify("postgres", "40001")));
        Assert.Equal(0, Allocated(() => classifier.JudgeResult(503)));
        Assert.Equal(0, Allocated(() => classifier.JudgeResult("no rule for this type")));
    }

    [Fact]
    public void Times_are_printed_for_people_and_judged_by_the_benchmarks()
    {
        var text = "A transport-level error has occurred when receiving results from the server. " +
            "An established connection was aborted by the host machine.";
        var output = TestContext.Current.TestOutputHelper;
        foreach (var (name, exception) in Exceptions)
            output?.WriteLine($"{name,-20} {Nanoseconds(() => Classifier.Judge(exception)):0} ns");
        output?.WriteLine($"{"text of " + text.Length,-20} {Nanoseconds(() => Classifier.ClassifyText(text)):0} ns");
        Assert.Equal(FaultKind.ConnectionReset, Classifier.ClassifyText(text).Kind);
    }

    [Fact]
    public void What_is_kept_of_codes_without_a_row_has_a_bound()
    {
        var classifier = new FaultClassifier(rules => rules.ForKind(FaultKind.Timeout, new FaultCells { Blame = Blame.Message }));
        for (var code = 0; code < 5_000; code++)
            Assert.Equal(Persistence.Permanent, classifier.Classify("mysql", $"{100_000 + code}")!.Persistence);

        var (first, last) = (classifier.Classify("mysql", "100000"), classifier.Classify("mysql", "104999"));
        Assert.Same(first, classifier.Classify("mysql", "100000"));
        Assert.NotSame(last, classifier.Classify("mysql", "104999"));
        Assert.Equal("mysql 104999", last!.Evidence);
    }

    private static long Allocated<T>(Func<T> act)
    {
        for (var i = 0; i < 100; i++) act();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Rounds; i++) act();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static double Nanoseconds<T>(Func<T> act)
    {
        for (var i = 0; i < 2000; i++) act();
        var best = double.MaxValue;
        for (var round = 0; round < 60; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Rounds; i++) act();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Rounds);
        }

        return best;
    }

    private enum MySqlErrorCode
    {
        LockDeadlock = 1213,
    }

    private sealed class PostgresException(string state) : DbException("x")
    {
        public override string SqlState => state;
    }

    private sealed class SqlException : DbException
    {
        public SqlException(string number) => Data["HelpLink.EvtID"] = number;
    }

    private sealed class MySqlException : DbException
    {
        public MySqlException(MySqlErrorCode code) => Data["Server Error Code"] = code;
    }

    private sealed class RpcException(string message) : Exception(message);
}
