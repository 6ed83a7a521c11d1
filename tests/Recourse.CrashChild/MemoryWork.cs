using Recourse.Durable;
using SQLitePCL;

/// <summary>Stores messages that nobody takes, and says what the heap and SQLite hold: after 10,000, and after ten times as many.</summary>
internal static class MemoryWork
{
    public static async Task RunAsync(MessageStore store, TextWriter output)
    {
        var message = new NewMessage { Queue = "q", Services = ["x"], Body = new byte[200] };
        for (var stored = 0; stored <= 100_000; stored += 1_000)
        {
            if (stored is 10_000 or 100_000)
            {
                await store.TrimAsync();
                output.WriteLine($"heap {GC.GetTotalMemory(forceFullCollection: true)} sqlite {raw.sqlite3_memory_used()}");
            }
            await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => store.CommitAsync(new EnqueueCommand(message)).AsTask()));
        }
    }
}
