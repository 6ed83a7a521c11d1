namespace Recourse.Durable;

/// <summary>What must have happened before a command is acknowledged: what a 202 then promises.</summary>
public enum StoreDurability
{
    /// <summary>
    /// The commit is synced to the disk: it survives the end of the process, of the system, and of the power. The default.
    /// </summary>
    Full,
    /// <summary>
    /// The commit is written to the operating system: it survives the end of the process, however that ends. When the system or the power
    /// fails, the last commits may be lost, outcomes as well as messages: then some messages are not there and some are delivered again.
    /// What is left is whole and in order.
    /// </summary>
    Os,
}
