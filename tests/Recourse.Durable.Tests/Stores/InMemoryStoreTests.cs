using Recourse.Tests;

namespace Recourse.Durable.Tests;

public sealed class InMemoryStoreTests : StoreContract
{
    protected override MessageStore Create(ManualClock clock) => new InMemoryMessageStore(clock);

    protected override MessageStore Reopened() => Store;

    protected override async Task<StoreOpening> RestartAsync()
    {
        // Nothing survives the process, so its restart is the same object opened again.
        await Store.DisposeAsync();
        Store.BlocksLaneWhenDead = BlocksLane;
        return await Store.OpenAsync();
    }
}
