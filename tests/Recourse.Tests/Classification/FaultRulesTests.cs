using System.Collections;
using System.Data.Common;
using System.Net.Sockets;

namespace Recourse.Tests.Classification;

/// <summary>Rules of the program come before every built-in fact, and never break a call.</summary>
public sealed class FaultRulesTests
{
    [Fact]
    public void A_rule_for_an_exception_type_comes_before_its_code_and_finds_it_deep_in_the_chain()
    {
        var classifier = new FaultClassifier(rules => rules
            .ForException<SocketException>(FaultKind.BusinessRuleViolation, socket =>
                socket.SocketErrorCode == SocketError.ConnectionRefused));

        var refused = classifier.Classify(new IOException("x", new SocketException((int)SocketError.ConnectionRefused)));
        var reset = classifier.Classify(new IOException("x", new SocketException((int)SocketError.ConnectionReset)));

        Assert.Equal((FaultKind.BusinessRuleViolation, "rule SocketException"), (refused.Kind, refused.Evidence));
        Assert.Equal(FaultKind.ConnectionReset, reset.Kind);
    }

    [Fact]
    public void An_ignored_exception_is_neutral_also_in_an_aggregate()
    {
        var classifier = new FaultClassifier(rules => rules.Ignore<InvalidOperationException>());

        Assert.Equal(Verdict.Neutral, Judge(classifier, new InvalidOperationException()));
        Assert.Equal(Verdict.Neutral, Judge(classifier, new AggregateException(new TimeoutException(), new InvalidOperationException())));
        Assert.Equal(Judgement.Failure, Judge(classifier, new TimeoutException()).Judgement);
    }

    [Fact]
    public void A_judging_function_may_say_how_long_to_wait()
    {
        var classifier = new FaultClassifier(rules => rules.ForException<TimeoutException>(
            _ => Verdict.Failure(FaultClassifier.Default.ClassifyHttp(429), TimeSpan.FromSeconds(3))));

        Assert.Equal(TimeSpan.FromSeconds(3), Judge(classifier, new TimeoutException()).RetryAfter);
    }

    [Fact]
    public void A_function_of_the_program_that_throws_moves_nothing()
    {
        var classifier = new FaultClassifier(rules => rules
            .ForException<TimeoutException>(FaultKind.PoisonMessage, _ => throw new InvalidOperationException("broken rule"))
            .ForException<TimeoutException>(new Func<TimeoutException, Verdict?>(_ => throw new InvalidOperationException("broken judge")))
            .AddFactReader(_ => throw new InvalidOperationException("broken reader"))
            .AddResultRule<int>(_ => throw new InvalidOperationException("broken result rule")));

        Assert.Equal(FaultKind.Timeout, classifier.Classify(new TimeoutException()).Kind);
        Assert.Equal(Verdict.Neutral, classifier.Judge(new TimeoutException()));
        Assert.Equal(FaultKind.NotFound, classifier.Judge(new FileNotFoundException()).Classification?.Kind);
        Assert.Equal(Verdict.Neutral, classifier.JudgeResult(1));
    }

    [Fact]
    public void A_code_can_be_changed_in_one_cell_or_added_with_its_family()
    {
        var classifier = new FaultClassifier(rules => rules
            .ForCode("stripe", "429", new FaultCells { Persistence = Persistence.Transient })
            .ForCode("postgresql", "p0001", new FaultCells { Persistence = Persistence.Transient })
            .ForCode("acme", "E42", new FaultCells { Kind = FaultKind.InsufficientFunds }));

        var stripe = classifier.Classify("stripe", "429")!;
        Assert.Equal((Persistence.Transient, RetryScope.Call, true), (stripe.Persistence, stripe.Scope, stripe.Throttling));
        Assert.Equal(Persistence.Transient, classifier.Classify("postgres", "P0001")!.Persistence);
        Assert.Equal(FaultKind.InsufficientFunds, classifier.Classify("ACME", "e42")!.Kind);
        Assert.Equal(Persistence.Permanent, FaultClassifier.Default.Classify("stripe", "429")!.Persistence);
    }

    [Fact]
    public void A_changed_kind_reaches_every_code_and_phrase_that_does_not_say_otherwise()
    {
        var classifier = new FaultClassifier(rules =>
            rules.ForKind(FaultKind.DbDeadlock, new FaultCells { Persistence = Persistence.Permanent }));

        Assert.Equal(Persistence.Permanent, classifier.Classify("postgres", "40P01")!.Persistence);
        Assert.Equal(Persistence.Permanent, classifier.ClassifyText("a deadlock").Persistence);
        Assert.Equal(Persistence.Transient, classifier.Classify("postgres", "40001")!.Persistence);
    }

    [Fact]
    public void A_phrase_of_the_program_comes_before_the_built_in_ones()
    {
        var classifier = new FaultClassifier(rules =>
            rules.ForText("ledger is sealed", new FaultCells { Kind = FaultKind.BusinessRuleViolation }));

        Assert.Equal(FaultKind.BusinessRuleViolation, classifier.ClassifyText("Timeout: Ledger is SEALED").Kind);
    }

    [Fact]
    public void A_fact_reader_gives_the_code_of_a_driver_that_nobody_here_knows()
    {
        var classifier = new FaultClassifier(rules => rules
            .AddFactReader(exception => exception is NotSupportedException ? new FaultCode("kafka", "7") : null));

        var found = classifier.Classify(new InvalidOperationException("x", new NotSupportedException()));

        Assert.Equal((FaultKind.Timeout, "kafka 7"), (found.Kind, found.Evidence));
    }

    [Fact]
    public void Result_rules_are_asked_in_order_and_only_for_their_type()
    {
        var classifier = new FaultClassifier(rules => rules
            .AddResultRule<int>(status => status == 0 ? Verdict.Neutral : null)
            .AddResultRule<int>(status => status >= 400 ? Verdict.Failure(FaultClassifier.Default.ClassifyHttp(status)) : null));

        Assert.Equal(Verdict.Neutral, classifier.JudgeResult(0));
        Assert.Equal(FaultKind.BadGateway, classifier.JudgeResult(502).Classification?.Kind);
        Assert.Equal(Verdict.Success, classifier.JudgeResult(200));
        Assert.Equal(Verdict.Success, classifier.JudgeResult("502"));
        Assert.True(classifier.HasResultRule<int>());
        Assert.False(classifier.HasResultRule<string>());
    }

    [Fact]
    public void Wrong_rules_are_refused_with_what_is_missing()
    {
        Assert.Contains("must be null", Refused(rules => rules.ForKind(FaultKind.Timeout, new FaultCells { Kind = FaultKind.Unknown })));
        Assert.Contains("acme 1", Refused(rules => rules.ForCode("acme", "1", new FaultCells())));
        Assert.Contains("3 to 200", Refused(rules => rules.ForText("x", new FaultCells { Kind = FaultKind.Timeout })));
        Assert.Contains("must be given", Refused(rules => rules.ForException<TimeoutException>(new FaultCells())));

        static string Refused(Action<FaultRules> rule) => Assert.Throws<ArgumentException>(() => new FaultClassifier(rule)).Message;
    }

    [Theory]
    [InlineData("HelpLink.EvtID", "1205", "sqlserver 1205", FaultKind.DbDeadlock)]
    [InlineData("Server Error Code", 1213, "mysql 1213", FaultKind.DbDeadlock)]
    public void The_number_of_SqlClient_and_MySQL_is_read_from_Data(string key, object value, string evidence, FaultKind kind)
    {
        var found = FaultClassifier.Default.Classify(new DataException(key, value));

        Assert.Equal((evidence, kind), (found.Evidence, found.Kind));
    }

    [Fact]
    public void A_database_exception_that_calls_itself_transient_is_believed()
    {
        var found = FaultClassifier.Default.Classify(new FaultClassifierTests.DriverException("qwertz", null, transient: true));

        Assert.Equal((FaultKind.TemporaryFailure, Persistence.Transient), (found.Kind, found.Persistence));
    }

    [Fact]
    public void The_status_in_the_message_of_an_RpcException_is_a_code()
    {
        var found = FaultClassifier.Default.Classify(
            new RpcException("Status(StatusCode=\"Unavailable\", Detail=\"x\")", new HttpRequestException("x")));

        Assert.Equal((FaultKind.ServiceUnavailable, "grpc"), (found.Kind, found.Family));
    }

    [Fact]
    public void A_full_disk_is_known_by_the_number_of_its_IOException()
    {
        var full = new IOException("x", OperatingSystem.IsWindows() ? unchecked((int)0x80070070) : 28);

        Assert.Equal(FaultKind.DiskFull, FaultClassifier.Default.Classify(full).Kind);
    }

    [Fact]
    public void An_endless_nest_of_aggregates_ends_in_an_answer()
    {
        Exception nest = new TimeoutException();
        for (var i = 0; i < 5_000; i++) nest = new AggregateException(nest, new TaskCanceledException());

        Assert.NotNull(FaultClassifier.Default.Classify(nest));
    }

    private static Verdict Judge(FaultClassifier classifier, Exception exception) => classifier.Judge(exception);

    private sealed class RpcException(string message, Exception inner) : Exception(message, inner);

    private sealed class DataException(string key, object value) : DbException("x")
    {
        public override IDictionary Data => new Dictionary<object, object> { [key] = value };

        public override string? SqlState => "HY000";
    }
}
