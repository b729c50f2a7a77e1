import Logging
import NIOConcurrencyHelpers
import StreamModel
import Testing

@testable import StreamRuntime

/// Keeps log lines with their metadata.
final class LogKeeper: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var text: String
        var metadata: [String: String]
    }

    private let kept = NIOLockedValueBox<[Line]>([])
    var lines: [Line] { kept.withLockedValue { $0 } }

    func logger() -> Logger {
        Logger(label: "test") { _ in Handler(keeper: self) }
    }

    private struct Handler: LogHandler {
        let keeper: LogKeeper
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: event.level, text: "\(event.message)",
                metadata: (event.metadata ?? [:]).mapValues { "\($0)" })
            keeper.kept.withLockedValue { $0.append(line) }
        }
    }
}

@Suite struct LogTests {
    @Test func linesNameTheirStreamTheirAttemptAndItsConnection() throws {
        let bench = Bench()
        let keeper = LogKeeper()
        bench.logger = keeper.logger()
        let (connection, hearing) = try bench.live()
        connection.receive(numbered(1))
        connection.receive(numbered(5))
        connection.close(1011, "bye")
        bench.advance(.seconds(2))

        let lines = keeper.lines
        #expect(lines.allSatisfy { $0.metadata["stream"] == "s" })
        let attempts = hearing.events.compactMap { event -> StreamEvent.Attempt? in
            if case .attemptStarted(let attempt) = event { attempt } else { nil }
        }
        try #require(attempts.count == 2)
        func metadata(_ text: String) -> [[String?]] {
            lines.filter { $0.text == text }.map { [$0.metadata["connection"], $0.metadata["attempt_id"]] }
        }
        #expect(metadata("attempt started") == attempts.map { ["\($0.generation)", "\($0.id)"] })
        let first = ["1", "\(attempts[0].id)"]
        #expect(metadata("live") == [first])
        #expect(metadata("connection lost") == [first])
        // What happens on a live connection is said of the attempt that made it; between two, of none.
        #expect(metadata("gap in the sequence") == [first])
        #expect(metadata("waiting before the next attempt") == [[nil, nil]])
    }

    @Test func theSeedDecidesTheIdentifiers() throws {
        func ids(_ seed: UInt64) throws -> [AttemptID] {
            let bench = Bench()
            bench.options.seed = seed
            let (connection, hearing) = try bench.live()
            connection.close(1011, "")
            bench.advance(.seconds(2))
            return hearing.events.compactMap { if case .attemptStarted(let attempt) = $0 { attempt.id } else { nil } }
        }
        #expect(try ids(1) == ids(1))
        #expect(try Set(ids(1)).isDisjoint(with: ids(2)))
    }
}
