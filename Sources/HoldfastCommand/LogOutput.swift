// The unsafe pointer is `write`'s, with its length, and for the call alone.

import ArgumentParser
import AuditTrail
import Foundation
import Logging
import StreamModel
import StreamRuntime

/// How log lines are written.
enum LogFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case logfmt
    case json
}

/// The levels by the names that Prometheus' exporters use.
enum LogLevel: String, CaseIterable, ExpressibleByArgument, Sendable {
    case debug
    case info
    case warn
    case error

    var level: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warn: .warning
        case .error: .error
        }
    }

    static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error, .critical: "error"
        }
    }
}

/// Writes log lines to standard error, one event a line. Secrets that got into a text by way of what a server said are
/// replaced before it is written.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private let format: LogFormat
    private let redact: @Sendable (String) -> String

    init(format: LogFormat, level: LogLevel, redact: @escaping @Sendable (String) -> String) {
        self.format = format
        self.redact = redact
        logLevel = level.level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields: [(String, String)] = [
            ("ts", Self.timestamp),
            ("level", LogLevel.name(of: event.level)), ("msg", redact(event.message.description)),
        ]
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        // The stream first, since it is what people look for; the rest in a fixed order.
        for key in all.keys.sorted(by: { $0 == "stream" || ($1 != "stream" && $0 < $1) }) {
            fields.append((key, redact(all[key]?.description ?? "")))
        }
        write(format == .json ? Self.json(fields) : Self.logfmt(fields))
    }

    /// As in the audit trail. Not by Foundation's formatter: the first use of that loads the data of all time zones, which
    /// took longer than everything else of a start.
    private static var timestamp: String {
        var bytes: [UInt8] = []
        CivilTime.append(WallClock.system.now(), to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(_ line: String) {
        // One call a line, so that lines of several threads do not mix.
        Data((line + "\n").utf8).withUnsafeBytes { bytes in
            _ = Foundation.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    static func logfmt(_ fields: [(String, String)]) -> String {
        fields.map { key, value in
            let special: Set<UInt8> = [0x22, 0x3D, 0x7F]
            let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && !special.contains($0) }
            return "\(key)=\(isPlain ? value : quoted(value))"
        }.joined(separator: " ")
    }

    static func json(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",") + "}"
    }

    /// A JSON string, which logfmt takes as well.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
