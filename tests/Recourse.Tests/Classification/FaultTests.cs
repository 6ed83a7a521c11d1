using System.Diagnostics;

namespace Recourse.Tests.Classification;

public sealed class FaultTests
{
    private static readonly ManualClock Clock = new();

    [Fact]
    public void A_fault_carries_what_is_known_and_fills_in_what_is_not()
    {
        var exception = Thrown(new TimeoutException("late"));
        var classification = FaultClassifier.Default.Classify(exception);

        var fault = Fault.From(classification, exception, new FaultContext
        {
            Service = "fhir",
            Attempt = 3,
            Importance = Importance.High
        }, Clock);

        Assert.Equal((FaultKind.Timeout, "fhir", "unknown", 3), (fault.Kind, fault.Service, fault.Operation, fault.Attempt));
        Assert.Equal(("late", "System.TimeoutException", Severity.High), (fault.Message, fault.ExceptionType, fault.Severity));
        Assert.Equal(Clock.GetUtcNow(), fault.Time);
        Assert.Equal((fault.Time, fault.Time, 1), (fault.FirstOccurrence, fault.LastOccurrence, fault.OccurrenceCount));
        Assert.Contains(nameof(Thrown), fault.StackTrace);
        Assert.Equal(fault.Id.ToString(), fault.CorrelationId);
        Assert.Equal("dotnet TimeoutException", fault.Code);
    }

    [Fact]
    public void The_trace_id_is_that_of_the_current_activity()
    {
        using var activity = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();

        var fault = Fault.From(Recourse.Classification.Unknown, null, new FaultContext(), Clock);

        Assert.Equal(activity.TraceId.ToHexString(), fault.TraceId);
        Assert.Equal(("unknown", "nothing known"), (fault.Code, fault.Message));
    }

    [Fact]
    public void The_next_sighting_counts_on_and_keeps_the_first_time()
    {
        var clock = new ManualClock();
        var first = Fault.From(Recourse.Classification.Unknown, null, new FaultContext(), clock);
        clock.Advance(TimeSpan.FromMinutes(1));

        var second = Fault.From(Recourse.Classification.Unknown, null, new FaultContext(), clock).After(first);

        Assert.Equal((2, first.Time, clock.GetUtcNow()), (second.OccurrenceCount, second.FirstOccurrence, second.LastOccurrence));
    }

    [Fact]
    public void Secrets_in_request_data_are_removed_by_name_or_by_the_program()
    {
        var data = new Dictionary<string, string> { ["Authorization"] = "Bearer x", ["order"] = "17", ["ssn"] = "078-05-1120" };

        var byName = Fault.From(Recourse.Classification.Unknown, null, new FaultContext { RequestData = data }, Clock).RequestData;
        var byProgram = Fault.From(
            Recourse.Classification.Unknown, null, new FaultContext
            {
                RequestData = data,
                Redact = (name, value) =>
                name == "ssn" ? "-" : value
            }, Clock);
        var broken = Fault.From(
            Recourse.Classification.Unknown, null, new FaultContext
            {
                RequestData = data,
                Redact = (_, _) =>
                throw new InvalidOperationException()
            }, Clock);

        Assert.Equal(("[redacted]", "17"), (byName["Authorization"], byName["order"]));
        Assert.Equal(("-", "17"), (byProgram.RequestData["ssn"], byProgram.RequestData["order"]));
        Assert.All(broken.RequestData.Values, value => Assert.Equal("[redacted]", value));
    }

    [Fact]
    public void Long_texts_and_many_entries_are_cut()
    {
        var many = Enumerable.Range(0, 100).ToDictionary(i => $"k{i}", i => "v");

        var fault = Fault.From(
            Recourse.Classification.Unknown, new IOException(new string('x', 10_000)), new FaultContext { Metadata = many }, Clock);

        Assert.Equal((Fault.MaxMessage, Fault.MaxEntries), (fault.Message.Length, fault.Metadata.Count));
        Assert.EndsWith("…", fault.Message);
    }

    private static Exception Thrown(Exception exception)
    {
        try
        {
            throw exception;
        }
        catch (Exception caught)
        {
            return caught;
        }
    }
}
