using BenchmarkDotNet.Running;
using Recourse.Benchmarks;

if (args is ["quick", ..])
{
    new Quick(Console.Out).Run();
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Quick).Assembly).Run(args);
