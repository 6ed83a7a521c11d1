namespace Recourse;

/// <summary>A code that a driver or service gave with a failure, for example ("postgres", "40P01").</summary>
/// <param name="Family">Who speaks: postgres, http, kafka … Any case; families of the built-in table or your own.</param>
/// <param name="Code">The code as that family writes it. Any case.</param>
public readonly record struct FaultCode(string Family, string Code);

/// <summary>
/// Reads the code out of an exception of a driver that the classifier does not know by itself. Called for each exception of the chain,
/// outermost first; it should look at the type first and return null for all others. If it throws, it counts as null.
/// </summary>
/// <param name="exception">One exception of the chain.</param>
public delegate FaultCode? FactReader(Exception exception);
