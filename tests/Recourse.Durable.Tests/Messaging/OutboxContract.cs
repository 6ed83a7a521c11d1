using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

#pragma warning disable xUnit1051 // What is tested runs to its end; the token of the test ends only the waiting.
namespace Recourse.Durable.Tests.Messaging;

/// <summary>Outbox and inbox, the same on each database that an application may have.</summary>
public abstract class OutboxContract : IAsyncLifetime
{
    private DbDataSource _source = null!;
    private BusRig _rig = null!;

    protected abstract DbDataSource Open();

    protected DbDataSource Source => _source;
    protected BusRig Rig => _rig;

    public async ValueTask InitializeAsync()
    {
        _source = Open();
        await using var connection = await _source.OpenConnectionAsync();
        await Outbox.CreateTableAsync(connection);
        await Inbox.CreateTableAsync(connection);
        await Outbox.CreateTableAsync(connection);
        _rig = await BusRig.StartAsync(messages => messages
            .Handle<Order, BillOrder>("orders").UseOutbox(_ => _source, new() { BatchMax = 2, Poll = TimeSpan.FromHours(1) }));
        // Its first look is over: it looks again when it is told to, and not in the middle of a test's preparations.
        while (!_rig.Outbox.Wake.IsAsleep)
            await Task.Yield();
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_rig is not null) await _rig.DisposeAsync();
        await _source.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private async Task InTransactionAsync(bool commit, params int[] orders)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var order in orders)
            await _rig.Outbox.AddAsync(transaction, "orders", new Order(order), new() { OrderKey = "one" });
        if (commit) await transaction.CommitAsync();
        else await transaction.RollbackAsync();
    }

    private async Task<long> RowsAsync(string where = "1 = 1")
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM recourse_outbox WHERE {where}";
        return Convert.ToInt64(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task A_committed_transaction_sends_in_order_and_one_that_is_rolled_back_sends_nothing()
    {
        await InTransactionAsync(commit: false, 100, 101);
        await InTransactionAsync(commit: true, 1, 2, 3, 4, 5);
        _rig.Outbox.Notify();
        for (var order = 1; order <= 5; order++)
            Assert.Equal($"billed {order}", await _rig.Ledger.NextAsync());
        while (await RowsAsync() > 0)
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        Assert.True(_rig.Ledger.IsEmpty);
    }

    [Fact]
    public async Task A_change_by_Dapper_and_its_message_are_one_transaction()
    {
        await using var connection = await _source.OpenConnectionAsync();
        await connection.ExecuteAsync("CREATE TABLE sales (number int)");
        foreach (var (number, commit) in new[] { (1, false), (2, true) })
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await connection.ExecuteAsync("INSERT INTO sales VALUES (@number)", new { number }, transaction);
            await _rig.Outbox.AddAsync(transaction, "orders", new Order(number));
            if (commit) await transaction.CommitAsync();
        }
        _rig.Outbox.Notify();
        Assert.Equal("billed 2", await _rig.Ledger.NextAsync());
        Assert.Equal([2], await connection.QueryAsync<int>("SELECT number FROM sales"));
        Assert.Equal(1, Assert.Single(await _rig.Bus.Store.Queries.QueuesAsync()).Accepted);
    }

    [Fact]
    public async Task What_the_sender_said_about_time_and_rank_goes_with_the_message()
    {
        var later = DateTimeOffset.UnixEpoch.AddYears(900);
        await using (var connection = await _source.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await _rig.Outbox.AddAsync(
                transaction, "orders", new Order(1), new() { DeliverAt = later, ExpiresAt = later.AddDays(1), Priority = 7 });
            await transaction.CommitAsync();
        }
        _rig.Outbox.Notify();
        while (await RowsAsync() > 0)
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        var waits = Assert.Single((await _rig.Bus.Store.Queries.DeliveriesAsync(new())).Items);
        Assert.Equal((DeliveryState.Delayed, later, later.AddDays(1), 7), (waits.State, waits.DueAt, waits.ExpiresAt, waits.Priority));
    }

    [Fact]
    public async Task A_row_that_is_met_again_after_it_was_stored_is_one_message()
    {
        await InTransactionAsync(commit: true, 1);
        await ExecuteAsync("CREATE TABLE kept AS SELECT * FROM recourse_outbox");
        _rig.Outbox.Notify();
        Assert.Equal("billed 1", await _rig.Ledger.NextAsync());
        while (await RowsAsync() > 0)
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();

        // The process ended after the store had the message and before the row went.
        await ExecuteAsync("INSERT INTO recourse_outbox SELECT * FROM kept");
        await InTransactionAsync(commit: true, 2);
        _rig.Outbox.Notify();
        Assert.Equal("billed 2", await _rig.Ledger.NextAsync());
        var counts = Assert.Single(await _rig.Bus.Store.Queries.QueuesAsync());
        Assert.Equal(2, counts.Accepted);
    }

    [Fact]
    public async Task A_row_that_cannot_be_sent_stays_with_its_reason_and_holds_nobody_up()
    {
        await InTransactionAsync(commit: true, 1, 2);
        await ExecuteAsync("UPDATE recourse_outbox SET queue = 'parcels' WHERE id = (SELECT min(id) FROM recourse_outbox)");
        _rig.Outbox.Notify();
        Assert.Equal("billed 2", await _rig.Ledger.NextAsync());
        while (await RowsAsync("problem IS NULL") > 0)
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        Assert.Equal(1, await RowsAsync("problem LIKE 'No handler is added for queue ''parcels''%'"));
    }

    [Fact]
    public async Task A_queue_without_a_handler_is_refused_before_the_transaction_sees_it()
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => _rig.Outbox.AddAsync(transaction, "parcels", new Order(1)));
        await transaction.CommitAsync();
        Assert.Equal(0, await RowsAsync());
    }

    [Fact]
    public async Task The_inbox_lets_a_message_in_until_a_transaction_that_entered_it_was_committed()
    {
        var entered = new List<bool>();
        _rig.Ledger.OnBill = async (_, context, token) =>
        {
            foreach (var commit in new[] { false, true, true })
            {
                await using var connection = await _source.OpenConnectionAsync(token);
                await using var transaction = await connection.BeginTransactionAsync(token);
                entered.Add(await context.TryEnterAsync(transaction, cancellationToken: token));
                if (commit) await transaction.CommitAsync(token);
                else await transaction.RollbackAsync(token);
            }
        };
        await _rig.Bus.SendAsync("orders", new Order(1));
        Assert.Equal("billed 1", await _rig.Ledger.NextAsync());
        Assert.Equal([true, true, false], entered);

        await using var database = await _source.OpenConnectionAsync();
        Assert.Equal(0, await Inbox.PruneAsync(database, TimeSpan.FromDays(1)));
        Assert.Equal(1, await Inbox.PruneAsync(database, TimeSpan.FromDays(-1)));
    }
}

public sealed class SqliteOutboxTests : OutboxContract
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-outbox-");

    protected override DbDataSource Open() =>
        SqliteFactory.Instance.CreateDataSource($"Data Source={_folder.FullName}/app.db;Pooling=False");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

public sealed class PostgresOutboxTests(PostgresServer server) : OutboxContract, IClassFixture<PostgresServer>
{
    protected override DbDataSource Open() => NpgsqlDataSource.Create(server.NewDatabase());

    [Fact]
    public async Task A_change_by_EF_Core_and_its_message_are_one_transaction()
    {
        var options = new DbContextOptionsBuilder<Sales>().UseNpgsql((NpgsqlDataSource)Source).Options;
        await using (var before = new Sales(options))
            await before.Database.ExecuteSqlRawAsync("CREATE TABLE sales (number int PRIMARY KEY)");
        foreach (var (number, commit) in new[] { (1, false), (2, true) })
        {
            await using var sales = new Sales(options);
            await using var transaction = await sales.Database.BeginTransactionAsync();
            sales.Add(new Sale { Number = number });
            await sales.SaveChangesAsync();
            await Rig.Outbox.AddAsync(transaction.GetDbTransaction(), "orders", new Order(number));
            if (commit) await transaction.CommitAsync();
        }
        Rig.Outbox.Notify();
        Assert.Equal("billed 2", await Rig.Ledger.NextAsync());
        await using var after = new Sales(options);
        Assert.Equal(2, (await after.Set<Sale>().SingleAsync()).Number);
        Assert.Equal(1, Assert.Single(await Rig.Bus.Store.Queries.QueuesAsync()).Accepted);
    }

    [Fact]
    public async Task The_inbox_takes_the_transaction_of_EF_Core()
    {
        var options = new DbContextOptionsBuilder<Sales>().UseNpgsql((NpgsqlDataSource)Source).Options;
        var entered = new List<bool>();
        Rig.Ledger.OnBill = async (_, context, token) =>
        {
            for (var call = 0; call < 2; call++)
            {
                await using var sales = new Sales(options);
                await using var transaction = await sales.Database.BeginTransactionAsync(token);
                entered.Add(await context.TryEnterAsync(transaction.GetDbTransaction(), cancellationToken: token));
                await transaction.CommitAsync(token);
            }
        };
        await Rig.Bus.SendAsync("orders", new Order(1));
        Assert.Equal("billed 1", await Rig.Ledger.NextAsync());
        Assert.Equal([true, false], entered);
    }

    public sealed class Sale
    {
        public int Number { get; init; }
    }

    public sealed class Sales(DbContextOptions<Sales> options) : DbContext(options)
    {
        protected override void OnModelCreating(ModelBuilder modelBuilder)
        {
            var sale = modelBuilder.Entity<Sale>().ToTable("sales");
            sale.HasKey(one => one.Number);
            sale.Property(one => one.Number).HasColumnName("number").ValueGeneratedNever();
        }
    }
}
