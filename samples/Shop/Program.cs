using Shop;

// Everything stands in two files: the shop's own database, and the messages.
await ShopApplication.Build(args, folder: Path.Combine(AppContext.BaseDirectory, "data"), new ConsoleMail()).RunAsync();
