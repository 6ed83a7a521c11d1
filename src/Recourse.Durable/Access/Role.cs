namespace Recourse.Durable;

/// <summary>What a key may do. Stored by name.</summary>
public enum Role
{
    /// <summary>Sends messages, and nothing else: it sees no queue and no dead letter.</summary>
    Producer,
    /// <summary>Sees everything but payloads: no bodies, no headers.</summary>
    Viewer,
    /// <summary>Sees payloads too, sends messages, and does what operators do.</summary>
    Operator,
    /// <summary>Does everything, also what concerns keys and the store as a whole.</summary>
    Admin,
}

/// <summary>Which role may do what another may.</summary>
public static class Roles
{
    /// <summary>True when a key of this role may do what needs <paramref name="needed"/>.</summary>
    public static bool May(this Role role, Role needed) => needed is Role.Producer ? role is not Role.Viewer
        : role is not Role.Producer && role >= needed;

    /// <summary>The name of a role, as it is stored and shown: producer, viewer, operator, admin.</summary>
    public static string Name(this Role role) => role switch
    {
        Role.Producer => "producer",
        Role.Viewer => "viewer",
        Role.Operator => "operator",
        _ => "admin",
    };

    /// <summary>Reads a name that was written by <see cref="Name"/>.</summary>
    public static bool TryParse(string text, out Role role)
    {
        foreach (var each in Enum.GetValues<Role>())
        {
            if (each.Name() == text)
            {
                role = each;
                return true;
            }
        }
        role = Role.Producer;
        return false;
    }
}
