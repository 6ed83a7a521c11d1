namespace Recourse;

/// <summary>The retry of a section: attempts, waits, policies for kinds and categories, the budget.</summary>
internal static class RetrySettings
{
    internal static RetryOptions Read(Settings settings)
    {
        var defaults = RetryOptions.Default;
        var options = new RetryOptions
        {
            MaxAttempts = settings.MaybeInt("MaxAttempts"),
            Backoff = settings.Section("Backoff") is { } backoff ? BackoffOf(backoff) : null,
            RetryOn = settings.Kinds("RetryOn"),
            RetryOnCategories = settings.Categories("RetryOnCategories"),
            ByKind = PoliciesOf(settings, "ByKind", (part, name) => part.Kind(name)),
            ByCategory = PoliciesOf(settings, "ByCategory", (part, name) => part.Category(name)),
            Repeatable = settings.Bool("Repeatable", defaults.Repeatable),
            Scope = settings.Enum("Scope", defaults.Scope),
            MaxTotalTime = settings.MaybeTime("MaxTotalTime"),
            AttemptTime = settings.Time("AttemptTime", defaults.AttemptTime),
            MaxRetryAfter = settings.Time("MaxRetryAfter", defaults.MaxRetryAfter),
            MaxDelay = settings.Time("MaxDelay", defaults.MaxDelay),
            BudgetOptions = settings.Section("Budget") is { } budget ? BudgetOf(budget) : null,
            UnlimitedBudget = settings.Bool("UnlimitedBudget", defaults.UnlimitedBudget),
        };
        settings.Done();
        return options;
    }

    private static Dictionary<TKey, RetryPolicy>? PoliciesOf<TKey>(Settings settings, string key, Func<Settings, string, TKey> parse)
        where TKey : struct, Enum
    {
        if (settings.Section(key) is not { } group) return null;
        var policies = new Dictionary<TKey, RetryPolicy>();
        foreach (var name in group.Keys.ToArray())
        {
            var fault = parse(group, name);
            group.Part(name, part =>
            {
                var backoff = part.Section("Backoff") is { } waits ? BackoffOf(waits) : null;
                policies[fault] = new RetryPolicy(part.NeededInt("MaxAttempts"), backoff);
                part.Done();
            });
        }

        return policies;
    }

    private static Backoff BackoffOf(Settings settings)
    {
        var defaults = Backoff.Default;
        var backoff = new Backoff
        {
            Kind = settings.Enum("Kind", defaults.Kind),
            Initial = settings.Time("Initial", defaults.Initial),
            Max = settings.Time("Max", defaults.Max),
            Multiplier = settings.Double("Multiplier", defaults.Multiplier),
            Step = settings.MaybeTime("Step"),
            Jitter = settings.Enum("Jitter", defaults.Jitter),
            JitterRange = settings.Double("JitterRange", defaults.JitterRange),
        };
        settings.Done();
        return backoff;
    }

    private static RetryBudgetOptions BudgetOf(Settings settings)
    {
        var defaults = new RetryBudgetOptions();
        var options = new RetryBudgetOptions
        {
            Ratio = settings.Double("Ratio", defaults.Ratio),
            MinimumPerSecond = settings.Int("MinimumPerSecond", defaults.MinimumPerSecond),
            TimeToLive = settings.Time("TimeToLive", defaults.TimeToLive),
            ThrottledRetryCost = settings.Int("ThrottledRetryCost", defaults.ThrottledRetryCost),
        };
        settings.Done();
        return options;
    }
}
