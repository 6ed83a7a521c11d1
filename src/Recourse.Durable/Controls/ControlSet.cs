namespace Recourse.Durable;

/// <summary>The controls of a store, as its writer needs them for every claim. One thread at a time.</summary>
internal sealed class ControlSet
{
    private readonly SortedDictionary<string, Control> _all = new(StringComparer.Ordinal);

    /// <summary>All of them, by kind and name.</summary>
    public IReadOnlyList<Control> All => [.. _all.Values];

    public void Load(IEnumerable<Control> controls)
    {
        _all.Clear();
        foreach (var control in controls)
            _all[Key(control.Kind, control.Name)] = control;
    }

    public bool Has(ControlKind kind, string name) => _all.Count > 0 && _all.ContainsKey(Key(kind, name));

    /// <summary>True when nothing may be claimed from this queue for this service.</summary>
    public bool Holds(string queue, string service) =>
        _all.Count > 0 && (Has(ControlKind.QueuePaused, queue) || Has(ControlKind.ServicePaused, service));

    /// <summary>Applies a command; false when it changes nothing.</summary>
    public bool Apply(ControlCommand command, DateTimeOffset now)
    {
        var key = Key(command.Kind, command.Name);
        if (!command.On)
            return _all.Remove(key);
        if (_all.ContainsKey(key))
            return false;
        if (command.Excludes is { } other)
            _all.Remove(Key(other, command.Name));
        _all.Add(key, new(command.Kind, command.Name, command.Actor, command.Reason, now));
        return true;
    }

    private static string Key(ControlKind kind, string name) => $"{kind}/{name}";
}
