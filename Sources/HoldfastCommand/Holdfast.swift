import ArgumentParser
import Holdfast

/// The program: `holdfast` with its commands; a bare `holdfast` runs.
@main
struct HoldfastProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "Holds WebSocket streams, and exports how well they held.",
        discussion: """
            Holds long-lived streams through dropped sockets, expired tokens and bad gateways, and serves retries, \
            reconnect latency and continuity as Prometheus metrics.
            """,
        version: "holdfast \(HoldfastVersion.current) (Swift \(HoldfastVersion.swift))",
        subcommands: [
            RunCommand.self, CheckCommand.self, DemoCommand.self, GatewayCommand.self, ReplayCommand.self,
            ProfilesCommand.self, MetricsCommand.self, AuditSchemaCommand.self, StormCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}

extension ExitCode {
    /// The configuration is wrong (`EX_CONFIG` of sysexits.h).
    static let wrongConfiguration = ExitCode(78)
}
