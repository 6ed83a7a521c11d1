namespace Recourse.Durable.Tests;

public sealed class NodeShareTests
{
    [Fact]
    public void The_parts_of_all_nodes_add_up_to_the_permits_whatever_their_number()
    {
        foreach (var service in new[] { "billing", "shop", "a", "fhir-server" })
        {
            for (var count = 1; count <= 12; count++)
            {
                for (var max = 1; max <= 30; max++)
                {
                    var parts = Enumerable.Range(0, count).Select(place => new NodeShare(place, count).Of(max, service)).ToList();
                    Assert.Equal(max, parts.Sum());
                    Assert.True(parts.Max() - parts.Min() <= 1, $"{max} over {count}: {string.Join(' ', parts)}");
                }
            }
        }
    }

    [Fact]
    public void Single_permits_of_several_services_fall_to_different_nodes()
    {
        var holders = Enumerable.Range(0, 40).Select(number =>
            Enumerable.Range(0, 4).Single(place => new NodeShare(place, 4).Of(1, $"service-{number}") == 1));
        Assert.Equal(4, holders.Distinct().Count());
    }

    [Fact]
    public void A_node_without_a_place_takes_nothing_unless_it_is_alone()
    {
        Assert.Equal(0, new NodeShare(-1, 3).Of(100, "billing"));
        Assert.Equal(100, NodeShare.Whole.Of(100, "billing"));
    }
}
