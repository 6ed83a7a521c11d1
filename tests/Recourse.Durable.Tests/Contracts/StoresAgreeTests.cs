using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>The same seeded commands on every store: what can be seen must be the same after each.</summary>
public sealed class StoresAgreeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-agree-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public Task Memory_and_SQLite_agree_on(int seed) => RunAsync(seed);

    [Fact]
    public Task Memory_and_SQLite_agree_on_a_seed_of_today() => RunAsync(Random.Shared.Next());

    private async Task RunAsync(int seed)
    {
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var clock = new ManualClock();
        var memory = new InMemoryMessageStore(clock);
        var subjects = new List<SequenceSubject>
        {
            new("memory", () => Task.FromResult<MessageStore>(memory)),
            new("SQLite", () => Task.FromResult<MessageStore>(new SqliteMessageStore(Path.Combine(_folder.FullName, $"{seed}.db"), clock))),
        };
        try
        {
            await new CommandSequence(seed, clock, subjects).RunAsync(600);
        }
        finally
        {
            foreach (var subject in subjects)
                await subject.Store.DisposeAsync();
        }
        var check = await SqliteStoreFile.CheckAsync(Path.Combine(_folder.FullName, $"{seed}.db"));
        Assert.Empty(check.Damage.Concat(check.BrokenRules));
    }
}
