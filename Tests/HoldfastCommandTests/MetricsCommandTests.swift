import ArgumentParser
import AuditTrail
import Foundation
import StreamMetrics
import Testing

@testable import HoldfastCommand

/// What documents say of the metrics is what the program has.
@Suite struct MetricsCommandTests {
    private static func document(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("docs/\(name)"), encoding: .utf8)
    }

    @Test func theDocumentIsWhatTheProgramPrints() throws {
        #expect(
            try Self.document("metrics.md") == MetricsCommand.document,
            "run: .build/debug/holdfast metrics --markdown > docs/metrics.md")
    }

    @Test func theListNamesLabelsAndMeaning() {
        #expect(
            MetricsCommand.list.contains(
                "holdfast_connect_failures_total{stream,profile,reason} counter\n    "))
        #expect(MetricsCommand.list.contains("holdfast_config_last_reload_successful gauge\n    "))
    }

    @Test func theCatalogueHasEveryEventOfTheTrail() {
        #expect(Set(StreamMetrics.auditEvents) == Set(AuditEventName.allCases.map(\.rawValue)))
    }

    @Test func namesAndMarkdownExclude() {
        #expect(throws: (any Error).self) { try MetricsCommand.parse(["--names", "--markdown"]) }
    }
}
