using System.Diagnostics.CodeAnalysis;

namespace Recourse;

/// <summary>
/// One call on its way through a pipeline, as the strategies see it. Pooled: a strategy must not keep it after its last
/// <see cref="Strategy.Exit"/>. Used by one thread at a time; only <see cref="Wake()"/> may come from another.
/// </summary>
public abstract partial class Call
{
    private Verdict _verdict;
    private bool _judged;

    // Whether anything happened that a call which works at once does not need; only then there is more to blank.
    private bool _dirty;
    private protected bool _judgesResults;
    private protected object? _failure;
    private Observation? _observation;
    private long _deadline;

    private protected Call()
    {
    }

    /// <summary>
    /// The token that the operation gets. A strategy that narrows it sets its own in <see cref="Strategy.Enter"/> and puts the old one back
    /// in <see cref="Strategy.Exit"/>.
    /// </summary>
    public CancellationToken Token { get; set; }

    /// <summary>The token that the caller of the pipeline passed in.</summary>
    public CancellationToken CallerToken { get; private set; }

    /// <summary>What the caller said about the call; never null.</summary>
    public RecoveryContext Context { get; private set; } = RecoveryContext.None;

    /// <summary>Which attempt this is, from 1. <see cref="Step.Again"/> adds one.</summary>
    public int AttemptNumber { get; private set; } = 1;

    /// <summary>Whether the call runs on the caller's thread from end to end, so that waiting blocks it.</summary>
    public bool IsSynchronous { get; private set; }

    /// <summary>The pipeline's clock.</summary>
    public TimeProvider Time => Plan.Time;

    /// <summary>Whether the last attempt worked. Much cheaper than <see cref="Verdict"/>.</summary>
    public bool Succeeded => _failure is null && (!_judgesResults || Verdict.Judgement == Judgement.Success);

    /// <summary>The classifier's verdict on the last attempt; made at the first question and kept until the next attempt.</summary>
    public ref readonly Verdict Verdict
    {
        get
        {
            if (!_judged) Judge();
            return ref _verdict;
        }
    }

    /// <summary>The exception that the last attempt ended with; null after a value and after a refusal.</summary>
    public Exception? Exception => _failure as Exception;

    /// <summary>The refusal that the last attempt ended with; null otherwise.</summary>
    public Rejection? Rejection => _failure as Rejection;

    /// <summary>
    /// What is left until the deadline or the nearest time limit around, zero when it has passed; null when there is none.
    /// </summary>
    public TimeSpan? Remaining
    {
        get
        {
            var least = _deadline == 0 ? (TimeSpan?)null : Time.GetElapsedTime(Time.GetTimestamp(), _deadline);
            for (var limit = Limits; limit is not null; limit = limit.Outer)
            {
                var left = limit.Remaining;
                if (least is null || left < least) least = left;
            }

            return least < TimeSpan.Zero ? TimeSpan.Zero : least;
        }
    }

    // The time limits around the strategy that runs now, innermost first.
    internal TimeoutScope? Limits { get; set; }

    internal Plan Plan { get; private set; } = null!;

    internal void Observe()
    {
        _observation = new Observation(this);
        _dirty = true;
    }

    // A timestamp of Time; 0 means that there is no deadline. An inner limit can only shorten an outer one.
    internal long Deadline
    {
        get => _deadline;
        set
        {
            _deadline = value;
            _dirty = true;
        }
    }

    internal object? Failure => _failure;

    // What was done was undone again before the failure was handed out, as by a transaction that rolled back.
    internal bool NotApplied
    {
        get;
        set
        {
            field = value;
            _dirty = true;
        }
    }

    // Only what has been judged, or must be: a caller of the throwing form never pays for it.
    internal Classification? FinalClassification => _failure switch
    {
        null when !_judgesResults => null,
        Rejection rejection => rejection.Classification,
        _ => Verdict.Classification,
    };

    /// <summary>Ends the attempt with an exception.</summary>
    /// <param name="exception">The failure; it reaches the caller unless a strategy further out replaces it.</param>
    public void Fail(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        _failure = exception;
        _judged = false;
        _dirty = true;
    }

    /// <summary>Ends the attempt with a refusal; nothing is allocated.</summary>
    /// <param name="rejection">The refusal; it becomes an exception only where one is thrown.</param>
    public void Reject(Rejection rejection)
    {
        ArgumentNullException.ThrowIfNull(rejection);
        _failure = rejection;
        _judged = false;
        _dirty = true;
    }

    // A strategy may know better than the exception does: a cancellation after its own time limit is a timeout.
    internal void Decide(in Verdict verdict)
    {
        _verdict = verdict;
        _judged = true;
        _dirty = true;
    }

    internal void Adopt(Call child)
    {
        AdoptValue(child);
        _failure = child._failure;
        _verdict = child._verdict;
        _judged = child._judged;
        _history ??= child._history;
        NeverBegan = child.NeverBegan;
        TakeHeld(child);
        _dirty = true;
        AttemptNumber = child.AttemptNumber;
    }

    // Before the caller gets the outcome. A child call is no call of the caller's.
    private protected void Report()
    {
        if (!_dirty || Owner is not null) return;
        if (_failure is not null) Meters.Failed(Plan, FinalClassification);
        _observation?.End(this);
    }

    private protected abstract void AdoptValue(Call child);

    private protected abstract Verdict JudgeValue();

    private protected void SetSucceeded()
    {
        _failure = null;
        _judged = false;
    }

    private void Judge()
    {
        _judged = true;
        _dirty = true;
        try
        {
            _verdict = _failure switch
            {
                null => _judgesResults ? JudgeValue() : Verdict.Success,
                Rejection rejection => Verdict.Failure(rejection.Classification, rejection.RetryAfter),
                RejectedException rejected => Verdict.Failure(rejected.Classification, rejected.RetryAfter),
                TimeoutExceededException late => Verdict.Failure(late.Classification),
                Exception exception => Plan.Classifier.JudgeOrThrow(exception, CallerToken),
                _ => Verdict.Neutral,
            };
        }
        catch (Exception e)
        {
            // A rule that throws moves nothing; the outcome of the call stays what it is.
            _verdict = Verdict.Neutral;
            Plan.FunctionFailed("classifier", e);
        }
    }

    private void Forget()
    {
        if (_failure is null && _judged && _verdict.Judgement == Judgement.Failure) Hold();
        else Discard();
        _failure = null;
        _judged = false;
        NotApplied = false;
        NeverBegan = false;
        _dirty = true;
        AttemptNumber++;
    }

    [MemberNotNull(nameof(_frames), nameof(_strategies))]
    private protected void Prepare(Plan plan, RecoveryContext context, bool synchronous, CancellationToken token)
    {
        // The same pipeline as the last time, more often than not: comparing is cheaper than writing references.
        if (!ReferenceEquals(Plan, plan) || _strategies is null || _frames is null) Adapt(plan);
        if (!ReferenceEquals(Context, context)) Context = context;
        if (token.CanBeCanceled)
        {
            CallerToken = token;
            Token = token;
        }

        IsSynchronous = synchronous;
        if (synchronous) _blocked ??= new ManualResetEventSlim();
        if (AmbientDeadline.IsUsed) Deadline = AmbientDeadline.For(plan.Time);
        if (AttemptAllowance.IsUsed) Allowance = AttemptAllowance.Current;
    }

    // Blank for the next user. The number of its task source moves on only where somebody was given it.
    private protected void Blank(bool seen)
    {
        var frames = _frames!;
        for (var i = 0; i < frames.Length; i++) frames[i] = default;
        if (_dirty) BlankAll();
        _index = 0;
        CallerToken = default;
        Token = default;
        if (seen) _core.Reset();
    }

    [MemberNotNull(nameof(_frames), nameof(_strategies))]
    private void Adapt(Plan plan)
    {
        Plan = plan;
        _strategies = plan.Strategies;
        if (_frames is null || _frames.Length != plan.Strategies.Length) _frames = new Frame[plan.Strategies.Length];
    }

    private void BlankAll()
    {
        _dirty = false;
        _observation = null;
        _failure = null;
        _verdict = default;
        _judged = false;
        _history = null;
        _failingSince = null;
        _allowance = null;
        _floor = 0;
        _deadline = 0;
        NotApplied = false;
        NeverBegan = false;
        LetGo();
        Owner = null;
        Limits = null;
        AttemptNumber = 1;
    }
}

/// <summary>A call that returns <typeparamref name="T"/>; a strategy that knows the type can read and set the result.</summary>
/// <typeparam name="T">What the call returns.</typeparam>
public abstract class Call<T> : Call
{
    private protected T? _value;
    private ValueTask<T> _pending;
    private T? _held;

    private protected Call()
    {
    }

    /// <summary>The result of the last attempt; the default of the type when it failed.</summary>
    public T? Result => _value;

    /// <summary>Ends the attempt with a value.</summary>
    /// <param name="value">The value.</param>
    public void SetResult(T value)
    {
        _value = value;
        SetSucceeded();
    }

    internal Outcome<T> ToOutcome() => new(_value, Failure, FinalClassification, History);

    internal bool Take(ValueTask<T> task)
    {
        if (task.IsCompletedSuccessfully)
        {
            _value = task.Result;
            return true;
        }

        _pending = task;
        if (task.IsCompleted)
        {
            Collect();
            return true;
        }

        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(BeforeCallee());
        return false;
    }

    internal void Collect()
    {
        var task = _pending;
        _pending = default;
        if (task.IsCompletedSuccessfully) SetResult(task.Result);
        else Fail(Failures.Of(task));
    }

    private protected sealed override void AdoptValue(Call child) => _value = ((Call<T>)child)._value;

    private protected sealed override Verdict JudgeValue() => Plan.Classifier.JudgeResultOrThrow(_value!);

    // A result that is not returned to anybody is nobody's to dispose of but ours.
    private protected sealed override void ForgetValue() => Dispose(ref _value);

    private protected sealed override void HoldValue()
    {
        _held = _value;
        _value = default;
    }

    private protected sealed override void RestoreValue()
    {
        _value = _held;
        _held = default;
    }

    private protected sealed override void TakeHeldValue(Call from)
    {
        var other = (Call<T>)from;
        _held = other._held;
        other._held = default;
    }

    private protected sealed override void ForgetHeld() => Dispose(ref _held);

    private static void Dispose(ref T? place)
    {
        var value = place;
        place = default;
        if (value is IDisposable disposable) disposable.Dispose();
    }
}
