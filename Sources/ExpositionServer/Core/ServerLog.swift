/// What libmicrohttpd has to say, at most so many lines in a while: a hostile client must not fill a disk.
final class ServerLog: Sendable {
    private struct State {
        var windowStart: MonotonicTime
        var written = 0
        var suppressed = 0
        var lastMessage: String?
    }

    private static let linesPerWindow = 10
    private static let windowMilliseconds = 10_000

    private let state: Monitor<State>
    private let sink: @Sendable (String) -> Void

    init(now: MonotonicTime = .now(), sink: @escaping @Sendable (String) -> Void) {
        state = Monitor(State(windowStart: now))
        self.sink = sink
    }

    /// The last line, for the text of an error.
    var lastMessage: String? { state.withLock { $0.lastMessage } }

    func write(_ line: String, now: MonotonicTime = .now()) {
        var line = line
        while line.last?.isNewline == true { line.removeLast() }
        let message = line
        let output: [String] = state.withLock { state in
            state.lastMessage = message
            var output: [String] = []
            if now.milliseconds(since: state.windowStart) >= Self.windowMilliseconds {
                if state.suppressed > 0 { output.append("\(state.suppressed) more messages were left out") }
                state.windowStart = now
                state.written = 0
                state.suppressed = 0
            }
            guard state.written < Self.linesPerWindow else {
                state.suppressed += 1
                return output
            }
            state.written += 1
            return output + [message]
        }
        for line in output { sink(line) }
    }
}
