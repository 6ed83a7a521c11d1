using System.Data.Common;
using System.Net;
using System.Net.Sockets;

namespace Recourse.Tests.Classification;

public sealed class FaultClassifierTests
{
    private static readonly FaultClassifier Classifier = FaultClassifier.Default;

    [Theory]
    [InlineData(SocketError.ConnectionRefused, FaultKind.ConnectionRefused)]
    [InlineData(SocketError.ConnectionReset, FaultKind.ConnectionReset)]
    [InlineData(SocketError.TimedOut, FaultKind.ConnectionTimeout)]
    [InlineData(SocketError.HostNotFound, FaultKind.DnsResolution)]
    [InlineData(SocketError.NetworkUnreachable, FaultKind.NetworkUnreachable)]
    public void A_socket_error_is_known_by_its_code_even_two_exceptions_deep(SocketError error, FaultKind kind)
    {
        var chain = new InvalidOperationException("outer", new HttpRequestException("middle", new SocketException((int)error)));

        var found = Classifier.Classify(chain);

        Assert.Equal((kind, Persistence.Transient, "socket"), (found.Kind, found.Persistence, found.Family));
    }

    [Theory]
    [InlineData(503, FaultKind.ServiceUnavailable, Persistence.Transient)]
    [InlineData(404, FaultKind.NotFound, Persistence.Permanent)]
    [InlineData(429, FaultKind.RateLimitExceeded, Persistence.Transient)]
    [InlineData(418, FaultKind.BadRequest, Persistence.Permanent)]
    [InlineData(599, FaultKind.GatewayTimeout, Persistence.Transient)]
    public void An_http_status_is_known_alone_and_in_an_exception(int status, FaultKind kind, Persistence persistence)
    {
        var alone = Classifier.ClassifyHttp(status);
        var thrown = Classifier.Classify(new HttpRequestException("failed", null, (HttpStatusCode)status));

        Assert.Equal((kind, persistence), (alone.Kind, alone.Persistence));
        Assert.Equal((kind, persistence), (thrown.Kind, thrown.Persistence));
        Assert.Equal($"http {status}", alone.Evidence);
    }

    [Theory]
    [InlineData("40P01", FaultKind.DbDeadlock, RetryScope.Transaction)]
    [InlineData("40001", FaultKind.DbSerializationFailure, RetryScope.Transaction)]
    [InlineData("23505", FaultKind.DbConstraintViolation, RetryScope.Never)]
    [InlineData("57P01", FaultKind.DatabaseDown, RetryScope.Call)]
    public void A_SQLSTATE_is_read_from_any_database_exception(string state, FaultKind kind, RetryScope scope)
    {
        var found = Classifier.Classify(new DriverException("failed", state));

        Assert.Equal((kind, scope), (found.Kind, found.Scope));
    }

    [Theory]
    [InlineData("SQLite Error 5: 'database is locked'.", FaultKind.DbLockTimeout)]
    [InlineData("SQLite Error 19: 'UNIQUE constraint failed: a.b'.", FaultKind.DbConstraintViolation)]
    [InlineData("SQLite Error 517: 'database is locked'.", FaultKind.DbSerializationFailure)]
    public void A_SQLite_error_is_known_by_the_prefix_of_its_message(string message, FaultKind kind) =>
        Assert.Equal(kind, Classifier.Classify(new DriverException(message, null)).Kind);

    [Fact]
    public void A_cancellation_by_the_caller_is_neutral_and_any_other_is_a_failure()
    {
        using var caller = new CancellationTokenSource();
        var cancelled = new TaskCanceledException("stopped");

        Assert.Equal(FaultKind.Cancelled, Classifier.Judge(cancelled, caller.Token).Classification?.Kind);
        caller.Cancel();
        Assert.Equal(Verdict.Neutral, Classifier.Judge(cancelled, caller.Token));
    }

    [Fact]
    public void The_cancellation_that_HttpClient_throws_for_its_timeout_is_a_timeout()
    {
        var thrown = new TaskCanceledException("The request was canceled due to the configured HttpClient.Timeout", new TimeoutException());

        var found = Classifier.Classify(thrown);

        Assert.Equal((FaultKind.Timeout, Persistence.Transient), (found.Kind, found.Persistence));
    }

    [Fact]
    public void An_aggregate_is_as_bad_as_the_worst_in_it()
    {
        var mixed = new AggregateException(
            new TaskCanceledException(), new SocketException((int)SocketError.ConnectionReset), new DriverException("x", "23505"));
        var passing = new AggregateException(new TaskCanceledException(), new SocketException((int)SocketError.ConnectionReset));

        Assert.Equal(FaultKind.DbConstraintViolation, Classifier.Classify(mixed).Kind);
        Assert.Equal(FaultKind.ConnectionReset, Classifier.Classify(passing).Kind);
    }

    [Theory]
    [InlineData("sqlserver", "99999", "The shop failed to open. Please retry the operation.", Persistence.Transient)]
    [InlineData("mysql", "9999", "The node is temporarily unavailable", Persistence.Transient)]
    [InlineData("kafka", "9999", "Connection reset by peer", Persistence.Transient)]
    [InlineData("sqlserver", "99999", "Invalid shop", Persistence.Permanent)]
    [InlineData("sqlserver", "99999", "The shop is green", Persistence.Permanent)]
    [InlineData("sqlserver", "208", "Invalid object name 'retry the operation'", Persistence.Permanent)]
    [InlineData("postgres", "42P01", "relation \"please retry\" does not exist", Persistence.Permanent)]
    public void A_code_without_a_row_passes_where_its_text_says_so_and_a_code_with_one_is_never_doubted(
        string family, string code, string message, Persistence persistence)
    {
        Assert.Equal(persistence, Classifier.Classify(family, code, message)?.Persistence);
        if (family == "sqlserver") Assert.Equal(persistence, Classifier.Classify(new SqlFailure(message, code)).Persistence);
    }

    [Fact]
    public void A_rule_for_a_code_is_not_doubted_because_of_a_text()
    {
        var ruled = new FaultClassifier(rules => rules.ForCode("sqlserver", "99999",
            new FaultCells { Kind = FaultKind.Unknown, Persistence = Persistence.Permanent }));

        Assert.Equal(Persistence.Permanent, ruled.Classify("sqlserver", "99999", "please retry")?.Persistence);
    }

    [Fact]
    public void What_nothing_is_known_about_is_unknown() =>
        Assert.Equal(FaultKind.Unknown, Classifier.Classify(new InvalidOperationException("qwertz")).Kind);

    private sealed class SqlFailure : DbException
    {
        public SqlFailure(string message, string number)
            : base(message) => Data["HelpLink.EvtID"] = number;
    }

    internal sealed class DriverException(string message, string? state, bool transient = false) : DbException(message)
    {
        public override string? SqlState => state;

        public override bool IsTransient => transient;
    }
}
