using BenchmarkDotNet.Running;
using Recourse.Benchmarks;

if (args is ["classify", ..])
{
    new Recourse.Benchmarks.Classification.ClassificationCost(Console.Out).Run();
    return;
}

if (args is ["quick", ..])
{
    new Quick(Console.Out).Run();
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Quick).Assembly).Run(args);
