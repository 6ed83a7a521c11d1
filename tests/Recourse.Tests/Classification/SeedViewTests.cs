using Recourse.Views;

namespace Recourse.Tests.Classification;

/// <summary>Every example that one of the five source documents names lands where that document says.</summary>
public sealed class SeedViewTests
{
    private static readonly FaultClassifier Classifier = FaultClassifier.Default;

    [Theory]
    [InlineData("connection_timeout", Persistence.Transient)]
    [InlineData("connection_refused", Persistence.Transient)]
    [InlineData("dns_resolution", Persistence.Transient)]
    [InlineData("network_unreachable", Persistence.Transient)]
    [InlineData("rate_limit_exceeded", Persistence.Transient)]
    [InlineData("service_unavailable", Persistence.Transient)]
    [InlineData("gateway_timeout", Persistence.Transient)]
    [InlineData("bad_request", Persistence.Permanent)]
    [InlineData("unauthorized", Persistence.Permanent)]
    [InlineData("forbidden", Persistence.Permanent)]
    [InlineData("not_found", Persistence.Permanent)]
    [InlineData("db_connection_lost", Persistence.Transient)]
    [InlineData("db_deadlock", Persistence.Transient)]
    [InlineData("db_constraint_violation", Persistence.Permanent)]
    [InlineData("db_syntax_error", Persistence.Permanent)]
    [InlineData("validation_error", Persistence.Permanent)]
    [InlineData("business_rule_violation", Persistence.Permanent)]
    [InlineData("insufficient_funds", Persistence.Permanent)]
    [InlineData("duplicate_request", Persistence.Permanent)]
    [InlineData("out_of_memory", Persistence.Transient)]
    [InlineData("disk_full", Persistence.Transient)]
    [InlineData("process_crashed", Persistence.Transient)]
    [InlineData("configuration_error", Persistence.Permanent)]
    public void Distributed_integration_names_23_types_and_fixes_the_category_of_each(string name, Persistence category)
    {
        Assert.True(FaultKinds.TryParse(name, out var kind));
        Assert.Equal(kind, IntegrationView.TypeOf(kind));
        Assert.Equal(category, IntegrationView.CategoryOf(kind));
        Assert.Equal(category, Classifier.ForKind(kind).Persistence);
    }

    [Theory]
    [InlineData("operation timeout", FaultKind.ConnectionTimeout)]
    [InlineData("timeout", FaultKind.ConnectionTimeout)]
    [InlineData("connection refused", FaultKind.ConnectionRefused)]
    [InlineData("rate limit", FaultKind.RateLimitExceeded)]
    [InlineData("503", FaultKind.ServiceUnavailable)]
    [InlineData("504", FaultKind.GatewayTimeout)]
    [InlineData("deadlock", FaultKind.DbDeadlock)]
    [InlineData("constraint violation", FaultKind.DbConstraintViolation)]
    [InlineData("out of memory", FaultKind.OutOfMemory)]
    [InlineData("disk full", FaultKind.DiskFull)]
    public void Distributed_integration_reads_its_patterns_out_of_messages(string message, FaultKind type) =>
        Assert.Equal(type, IntegrationView.TypeOf(Classifier.ClassifyText(message).Kind));

    [Fact]
    public void Distributed_integration_looks_at_the_type_of_an_exception_first()
    {
        Assert.Equal(FaultKind.ConnectionTimeout, IntegrationView.TypeOf(Classifier.Classify(new TimeoutException("503")).Kind));
        var refused = new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionReset);
        Assert.Equal(FaultKind.ConnectionRefused, IntegrationView.TypeOf(Classifier.Classify(refused).Kind));
        var invalid = new System.ComponentModel.DataAnnotations.ValidationException("timeout is wrong");
        Assert.Equal(FaultKind.ValidationError, IntegrationView.TypeOf(Classifier.Classify(invalid).Kind));
        Assert.Null(IntegrationView.TypeOf(Classifier.Classify(new InvalidOperationException("qwertz")).Kind));
        Assert.Equal(Persistence.Unknown, IntegrationView.CategoryOf(FaultKind.Unknown));
    }

    [Theory]
    [InlineData(FaultKind.Timeout, EngineCategory.Transient)]
    [InlineData(FaultKind.ConnectionTimeout, EngineCategory.Transient)]
    [InlineData(FaultKind.ServiceUnavailable, EngineCategory.Transient)]
    [InlineData(FaultKind.ResourceLimit, EngineCategory.Transient)]
    [InlineData(FaultKind.RateLimitExceeded, EngineCategory.Transient)]
    [InlineData(FaultKind.ValidationError, EngineCategory.Permanent)]
    [InlineData(FaultKind.BadRequest, EngineCategory.Permanent)]
    [InlineData(FaultKind.Unauthorized, EngineCategory.Permanent)]
    [InlineData(FaultKind.Forbidden, EngineCategory.Permanent)]
    [InlineData(FaultKind.BusinessRuleViolation, EngineCategory.Permanent)]
    [InlineData(FaultKind.DbConnectionLost, EngineCategory.System)]
    [InlineData(FaultKind.FileSystemError, EngineCategory.System)]
    [InlineData(FaultKind.OutOfMemory, EngineCategory.System)]
    [InlineData(FaultKind.Unknown, EngineCategory.System)]
    public void The_integration_engine_tells_transient_permanent_and_system(FaultKind kind, EngineCategory category) =>
        Assert.Equal(category, EngineView.CategoryOf(kind));

    [Fact]
    public void The_integration_engine_counts_a_missing_field_as_validation()
    {
        var found = Classifier.ClassifyText("Missing required field: customer_id");

        Assert.Equal((FaultKind.MissingField, FaultCategory.Data, Persistence.Permanent), (found.Kind, found.Category, found.Persistence));
        Assert.Equal(EngineCategory.Permanent, EngineView.CategoryOf(found.Kind));
        Assert.Equal(FaultKind.ValidationError, IntegrationView.TypeOf(found.Kind));
    }

    [Theory]
    [InlineData("timeout", EtlCategory.Transient)]
    [InlineData("connection lost", EtlCategory.Transient)]
    [InlineData("lock timeout", EtlCategory.Transient)]
    [InlineData("temporary failure", EtlCategory.Transient)]
    [InlineData("invalid config", EtlCategory.Configuration)]
    [InlineData("invalid credentials", EtlCategory.Configuration)]
    [InlineData("missing credential", EtlCategory.Configuration)]
    [InlineData("permission denied", EtlCategory.Configuration)]
    [InlineData("constraint violation", EtlCategory.Data)]
    [InlineData("invalid format", EtlCategory.Data)]
    [InlineData("type mismatch", EtlCategory.Data)]
    [InlineData("out of memory", EtlCategory.System)]
    [InlineData("disk full", EtlCategory.System)]
    [InlineData("database down", EtlCategory.System)]
    [InlineData("qwertz", EtlCategory.Unknown)]
    public void An_ETL_pipeline_classifies_by_the_words_of_its_rules(string message, EtlCategory category) =>
        Assert.Equal(category, EtlView.CategoryOf(Classifier.ClassifyText(message).Kind));

    [Theory]
    [InlineData(EtlCategory.Transient, true, null)]
    [InlineData(EtlCategory.Configuration, false, 0)]
    [InlineData(EtlCategory.Data, false, 0)]
    [InlineData(EtlCategory.System, true, 2)]
    [InlineData(EtlCategory.Unknown, true, EtlView.DefaultRetries)]
    public void An_ETL_pipeline_retries_by_its_decision_matrix(EtlCategory category, bool retry, int? retries) =>
        Assert.Equal(new EtlDecision(retry, retries), EtlView.DecisionFor(category));

    [Fact]
    public void Composed_strategies_keep_a_list_of_transient_and_a_list_of_permanent_types()
    {
        Exception[] transient =
        [
            new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionRefused), new TimeoutException(),
            new HttpRequestException("", null, System.Net.HttpStatusCode.ServiceUnavailable),
            new HttpRequestException("", null, System.Net.HttpStatusCode.TooManyRequests),
        ];
        Exception[] permanent =
        [
            new ArgumentException(), new InvalidCastException(), new FormatException(),
            new System.Security.Authentication.AuthenticationException(), new KeyNotFoundException(), new FileNotFoundException(),
            new HttpRequestException("", null, System.Net.HttpStatusCode.NotFound),
        ];

        Assert.All(transient, exception => Assert.True(StrategyView.IsTransient(Classifier.Classify(exception).Kind)));
        Assert.All(permanent, exception => Assert.True(StrategyView.IsPermanent(Classifier.Classify(exception).Kind)));
        Assert.False(StrategyView.IsTransient(FaultKind.Unknown) || StrategyView.IsPermanent(FaultKind.Unknown));
    }

    [Theory]
    [InlineData(FaultKind.TemporaryFailure, PortCategory.Transient)]
    [InlineData(FaultKind.BusinessRuleViolation, PortCategory.Permanent)]
    [InlineData(FaultKind.Unauthorized, PortCategory.Permanent)]
    [InlineData(FaultKind.PoisonMessage, PortCategory.Poison)]
    [InlineData(FaultKind.OutOfMemory, PortCategory.Resource)]
    [InlineData(FaultKind.TooManyOpenFiles, PortCategory.Resource)]
    [InlineData(FaultKind.Timeout, PortCategory.Timeout)]
    [InlineData(FaultKind.ValidationError, PortCategory.Validation)]
    [InlineData(FaultKind.ConnectionReset, PortCategory.Communication)]
    [InlineData(FaultKind.ServiceUnavailable, PortCategory.Dependency)]
    [InlineData(FaultKind.Unknown, PortCategory.Permanent)]
    public void Components_and_ports_route_recovery_by_eight_categories(FaultKind kind, PortCategory category) =>
        Assert.Equal(category, PortView.CategoryOf(kind));

    [Theory]
    [InlineData("Process ran OUT OF MEMORY")]
    [InlineData("accept: too many open files")]
    public void Components_and_ports_know_exhaustion_by_its_words(string message) =>
        Assert.Equal(PortCategory.Resource, PortView.CategoryOf(Classifier.ClassifyText(message).Kind));

    [Theory]
    [InlineData(FaultKind.OutOfMemory, Importance.Normal, Severity.Critical)]
    [InlineData(FaultKind.ProcessCrashed, Importance.Normal, Severity.High)]
    [InlineData(FaultKind.ServiceUnavailable, Importance.Normal, Severity.Medium)]
    [InlineData(FaultKind.ServiceUnavailable, Importance.Low, Severity.Low)]
    [InlineData(FaultKind.ServiceUnavailable, Importance.High, Severity.High)]
    [InlineData(FaultKind.ServiceUnavailable, Importance.Critical, Severity.Critical)]
    [InlineData(FaultKind.ValidationError, Importance.Normal, Severity.Low)]
    [InlineData(FaultKind.ValidationError, Importance.Low, Severity.Low)]
    [InlineData(FaultKind.Cancelled, Importance.Critical, Severity.Info)]
    public void Severity_follows_from_the_kind_and_the_importance_of_the_service(FaultKind kind, Importance importance,
        Severity severity) =>
        Assert.Equal(severity, kind.Severity(importance));

    [Fact]
    public void Every_kind_has_a_place_in_every_view()
    {
        foreach (var kind in Enum.GetValues<FaultKind>())
        {
            Assert.True(Enum.IsDefined(EngineView.CategoryOf(kind)) && Enum.IsDefined(EtlView.CategoryOf(kind)), kind.Name());
            Assert.True(Enum.IsDefined(PortView.CategoryOf(kind)) && Enum.IsDefined(kind.Severity()), kind.Name());
            Assert.True(IntegrationView.TypeOf(kind) is not { } type || IntegrationView.TypeOf(type) == type, kind.Name());
        }
    }

    [Theory]
    [InlineData(FaultCategory.Communication, 4, 100, 5_000, BackoffKind.Exponential)]
    [InlineData(FaultCategory.Dependency, 4, 100, 5_000, BackoffKind.Exponential)]
    [InlineData(FaultCategory.Timeout, 3, 1_000, 30_000, BackoffKind.Linear)]
    [InlineData(FaultCategory.Resource, 6, 1_000, 30_000, BackoffKind.Exponential)]
    [InlineData(FaultCategory.System, 2, 1_000, 30_000, BackoffKind.Exponential)]
    [InlineData(FaultCategory.Unknown, 3, 100, 5_000, BackoffKind.Exponential)]
    public void The_attempts_of_a_category_include_the_first(FaultCategory category, int attempts, int initial, int max, BackoffKind kind)
    {
        var row = RetryDefaults.For(category).Library;

        Assert.Equal(attempts, row.Attempts);
        Assert.Equal((initial, max, kind), ((int)row.Backoff!.Initial.TotalMilliseconds, (int)row.Backoff.Max.TotalMilliseconds,
            row.Backoff.Kind));
    }

    [Fact]
    public void What_stays_is_tried_once_and_what_passes_more_often_whatever_the_category()
    {
        Assert.Equal(Enum.GetValues<FaultCategory>().Order(), RetryDefaults.Rows.Select(row => row.Category).Order());
        Assert.Equal(RetryDefault.Once, RetryDefaults.Library(Classifier.ClassifyHttp(404)));
        Assert.Equal(RetryDefault.Once, RetryDefaults.Library(Classifier.Classify("sqlserver", "-2")!));
        Assert.Equal(4, RetryDefaults.Library(Classifier.Classify("aws", "RequestTimeTooSkewed")!).Attempts);
        Assert.Equal(3, RetryDefaults.Library(Recourse.Classification.Unknown).Attempts);
        Assert.Null(RetryDefaults.Relay(Classifier.ClassifyHttp(503)).Attempts);
        Assert.Equal(3, RetryDefaults.Relay(Recourse.Classification.Unknown).Attempts);
        Assert.Equal(1, RetryDefaults.Relay(Classifier.ClassifyHttp(400)).Attempts);
    }
}
