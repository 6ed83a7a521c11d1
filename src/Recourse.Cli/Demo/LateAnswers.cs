using Recourse.Cli.Client;

namespace Recourse.Cli.Demo;

/// <summary>
/// Answers that a service wrote and the relay never read. A machine that is short of time does that: the answer is written, and the relay's
/// time limit passes before it comes to read it. From outside this looks like a repeat without cause, so the relay's stored attempts are
/// asked about those, and only those: an attempt that it stored as failed was rightly repeated, one stored as delivered was not.
/// </summary>
internal static class LateAnswers
{
    /// <summary>
    /// The findings with such repeats counted as after a lost answer, or, where the attempt is stored as crashed, after a kill.
    /// </summary>
    public static async Task<Findings> ExplainAsync(RelayClient client, Findings seen, CancellationToken cancellationToken)
    {
        int late = 0, crashed = 0;
        foreach (var effect in seen.Unexplained)
        {
            var message = await client.GetAsync($"v1/messages/{effect.MessageId}", RelayJson.Default.MessageAnswer, cancellationToken);
            var attempt = message.Deliveries.Where(delivery => delivery.Service == effect.Service)
                .SelectMany(delivery => delivery.Attempts ?? []).FirstOrDefault(attempt => attempt.Number == effect.Attempt);
            if (attempt?.Outcome == "failed") late++;
            else if (attempt?.Outcome == "crashed") crashed++;
        }
        return seen with
        {
            RepeatedAfterLostAnswer = seen.RepeatedAfterLostAnswer + late,
            RepeatedAfterKill = seen.RepeatedAfterKill + crashed,
            RepeatedWithoutCause = seen.RepeatedWithoutCause - late - crashed,
        };
    }
}
