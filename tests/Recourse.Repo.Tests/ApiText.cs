using System.ComponentModel;
using System.Reflection;
using System.Text;

namespace Recourse.Repo.Tests;

/// <summary>Prints the public surface of an assembly, one member a line, in a stable order.</summary>
internal static class ApiText
{
    private const BindingFlags Members =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // What the compiler makes for every record says nothing.
    private static readonly HashSet<string> RecordNoise =
        ["ToString", "GetHashCode", "Equals", "PrintMembers", "Deconstruct", "<Clone>$", "op_Equality", "op_Inequality",
            "EqualityContract"];

    private static readonly NullabilityInfoContext Nullability = new();

    public static string Render(Assembly assembly)
    {
        var text = new StringBuilder();
        // Razor makes every component public; those that are no API carry the mark for editors.
        var types = assembly.GetExportedTypes().Where(type =>
            type.GetCustomAttribute<EditorBrowsableAttribute>()?.State != EditorBrowsableState.Never);
        foreach (var type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Header(type)).Append('\n');
            foreach (var line in Lines(type).Order(StringComparer.Ordinal))
                text.Append("    ").Append(line).Append('\n');
        }
        return text.ToString();
    }

    private static string Header(Type type)
    {
        var kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
            : type.IsValueType
                ? "struct" : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class" : "class";
        var parent = type.BaseType is { } up && up != typeof(object) && up != typeof(ValueType) && up != typeof(Enum)
            ? $" : {Name(up)}" : "";
        return $"{kind} {type.Namespace}.{Name(type)}{parent}";
    }

    private static IEnumerable<string> Lines(Type type)
    {
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name))}");
        if (typeof(Delegate).IsAssignableFrom(type))
            return [Signature(type.GetMethod("Invoke")!)];
        return type.GetMembers(Members).Where(member => !RecordNoise.Contains(member.Name)).Select(Line).OfType<string>();
    }

    private static string? Line(MemberInfo member) => member switch
    {
        ConstructorInfo constructor when Visible(constructor)
            && !constructor.IsStatic => $"{Access(constructor)}new({Parameters(constructor)})",
        MethodInfo method when Visible(method) && !method.IsSpecialName => Signature(method),
        PropertyInfo property when (property.GetMethod ?? property.SetMethod) is { } accessor && Visible(accessor) =>
            $"{Access(accessor)}{Name(property.PropertyType)}{Null(Nullability.Create(property).ReadState)} {property.Name} "
            + $"{{ {Accessors(property)}}}",
        FieldInfo field when field.IsPublic
            || field.IsFamily => $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}",
        EventInfo happening when Visible(happening.AddMethod!) => $"event {Name(happening.EventHandlerType!)} {happening.Name}",
        _ => null,
    };

    private static string Accessors(PropertyInfo property)
    {
        var setter = property.SetMethod is { } set && Visible(set)
            ? set.ReturnParameter.GetRequiredCustomModifiers().Any(modifier => modifier.Name == "IsExternalInit") ? "init; " : "set; "
            : "";
        return (property.GetMethod is { } get && Visible(get) ? "get; " : "") + setter;
    }

    private static string Signature(MethodInfo method) =>
        $"{Access(method)}{Name(method.ReturnType)}{Null(Nullability.Create(method.ReturnParameter).ReadState)} "
        + $"{method.Name}{Generic(method)}({Parameters(method)})";

    private static string Generic(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{(parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "")}"
        + $"{Name(parameter.ParameterType)}{Null(Nullability.Create(parameter).WriteState)} {parameter.Name}"
        + (parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "null"}" : "")));

    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) => (method.IsPublic ? "" : "protected ") + method switch
    {
        { IsStatic: true } => "static ",
        { IsAbstract: true } => "abstract ",
        { IsVirtual: true, IsFinal: false } => "virtual ",
        _ => "",
    };

    private static string Null(NullabilityState state) => state == NullabilityState.Nullable ? "?" : "";

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return Name(type.GetElementType()!);
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Name(inner);
        var name = type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        if (!type.IsGenericType)
            return name;
        var tick = name.IndexOf('`', StringComparison.Ordinal);
        return tick < 0 ? name : $"{name[..tick]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
