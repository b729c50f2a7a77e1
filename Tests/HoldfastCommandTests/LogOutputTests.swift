import Foundation
import Logging
import Testing

@testable import HoldfastCommand

@Suite("Log lines")
struct LogOutputTests {
    private static let values = [
        "plain", "", "two words", "a=b", "say \"hi\"", "back\\slash", "line\nbreak", "\r\t", "\u{0}\u{1F}\u{7F}", "ü→😀",
        "{\"json\":1}", "level=error msg=forged", "\u{2028}",
    ]

    @Test("logfmt quotes what is not plain", arguments: values)
    func logfmt(value: String) {
        let line = LineLogHandler.logfmt([("msg", value), ("next", "1")])
        #expect(!line.contains("\n"))
        #expect(line.hasSuffix(" next=1"))
        let written = line.dropFirst("msg=".count).dropLast(" next=1".count)
        if written.first == "\"" {
            let data = Data(written.utf8)
            let read = try? JSONDecoder().decode(String.self, from: data)
            #expect(read == value)
        } else {
            #expect(written == value)
            #expect(!value.isEmpty && !value.contains { " =\"".contains($0) })
        }
    }

    @Test("JSON is JSON whatever is logged", arguments: values)
    func json(value: String) throws {
        let line = LineLogHandler.json([("msg", value), (value + "k", "1")])
        #expect(!line.contains("\n"))
        let read = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(read == ["msg": value, value + "k": "1"])
    }

    @Test("levels have the names of Prometheus' exporters")
    func levels() {
        #expect(LogLevel.allCases.map(\.rawValue) == ["debug", "info", "warn", "error"])
        #expect(LogLevel.allCases.allSatisfy { LogLevel.name(of: $0.level) == $0.rawValue })
        #expect(LogLevel.name(of: .trace) == "debug")
        #expect(LogLevel.name(of: .notice) == "info")
        #expect(LogLevel.name(of: .critical) == "error")
    }
}
