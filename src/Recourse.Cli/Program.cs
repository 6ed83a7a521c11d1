using System.CommandLine;
using Recourse.Cli;
using Recourse.Cli.Client;
using Recourse.Cli.Commands;

var root = new RootCommand(
    "Recourse: messages that are delivered, or wait where nothing is lost. The relay, and the operator's verbs for it.")
{
    ServeCommand.Create(),
    ConfigCommand.Create(),
    DbCommand.Create(),
    DemoCommand.Create(),
    SendCommand.Create(),
    QueuesCommand.Create(),
    ServicesCommand.Create(),
    NodesCommand.Create(),
    DlqCommand.Create(),
    ReplayCommand.Create(),
    MessageCommand.Create(),
    ClassifyCommand.Create(),
    KeysCommand.Create(),
    AuditCommand.Create(),
    ClientKey.File,
    RelayTrust.File,
};
return await CommandLine.RunAsync(root, args);
