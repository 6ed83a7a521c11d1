using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

public sealed class SqliteStoreTests : StoreContract
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-store-");

    protected override MessageStore Create(ManualClock clock) => new SqliteMessageStore(Path.Combine(_folder.FullName, "test.db"), clock);

    protected override ValueTask CleanAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }
}
