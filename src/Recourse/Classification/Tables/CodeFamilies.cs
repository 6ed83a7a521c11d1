namespace Recourse.Tables;

/// <summary>Every family of the built-in table.</summary>
internal static class CodeFamilies
{
    internal static IReadOnlyList<CodeFamily> All { get; } =
    [
        HttpCodes.Family, SocketCodes.Family, SystemCodes.Errno, SystemCodes.HResult, SystemCodes.Dns, TlsCodes.Family, DotnetCodes.Family,
        PostgresCodes.Family, SqlServerCodes.Family, MySqlCodes.Family, SqliteCodes.Family,
        OtherSqlCodes.Oracle, OtherSqlCodes.Db2, OtherSqlCodes.H2, OtherSqlCodes.Derby, OtherSqlCodes.Sybase,
        MongoCodes.Family, Neo4jCodes.Family, RedisCodes.Family, KafkaCodes.Family, RabbitMqCodes.Family,
        GrpcCodes.Family, CloudCodes.Aws, CloudCodes.Azure, FhirCodes.Family,
        ServiceCodes.Smtp, ServiceCodes.Stripe, ServiceCodes.Kubernetes, ServiceCodes.Elasticsearch,
        ClusterCodes.Cassandra, ClusterCodes.ZooKeeper, ClusterCodes.Gcp,
    ];
}
