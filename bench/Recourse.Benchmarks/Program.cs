using BenchmarkDotNet.Running;
using Recourse.Benchmarks;

if (args is ["classify", ..])
{
    new Recourse.Benchmarks.Classification.ClassificationCost(Console.Out).Run();
    return;
}

if (args is ["outage", ..])
{
    new Recourse.Benchmarks.Outage.OutageStudy(Console.Out).Write(args.ElementAtOrDefault(1) ?? "bench/results/outage.md");
    return;
}

if (args is ["quick", ..])
{
    new Quick(Console.Out).Run();
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Quick).Assembly).Run(args);
