internal import Foundation

/// Reads a trail back and counts what the metrics counted: a proof that the two tell the same story.
///
/// Feed it the files of a trail, oldest first. Problems are reported and counted, never fatal: a trail that has been
/// cut, rotated away or edited says so.
public struct AuditReplay: Sendable {
    /// From where on is counted.
    public enum Scope: Sendable {
        /// From each stream's last start on, as the metrics of the process that is running (or ran last).
        case sinceStart
        /// The whole trail, however many lives of the process it holds.
        case wholeTrail
    }

    /// Something about the trail that is not as it should be.
    public struct Problem: Hashable, Sendable, CustomStringConvertible {
        /// The file, and the line within it, counted from 1.
        public var place: String
        /// What is wrong.
        public var message: String

        /// `path:line: message`, as a compiler says it.
        public var description: String { "\(place): \(message)" }
    }

    /// The longest line that is looked at, in bytes.
    public static let maximumLineLength = 1 << 20
    /// How many problems are kept; further ones are only counted.
    public static let maximumProblems = 1_000

    /// From where on is counted.
    public let scope: Scope
    /// The counters that are not 0.
    public private(set) var counters: [ReplayCounter: UInt64] = [:]
    /// The streams that the trail knows.
    public private(set) var streams: Set<String> = []
    /// How many good lines were read.
    public private(set) var lines: UInt64 = 0
    /// How many line numbers are missing; stays at the largest number rather than overflow.
    public private(set) var missingLines: UInt64 = 0
    /// How many lines could not be used.
    public private(set) var badLines: UInt64 = 0
    /// What is wrong with the trail, in the order in which it was found.
    public private(set) var problems: [Problem] = []
    /// How many problems were found, also those that were not kept.
    public private(set) var problemCount = 0

    private let lastLine: UInt64
    private var lastNumber: UInt64?

    /// A replay that has read nothing yet.
    ///
    /// - Parameter lastLine: lines with a higher number are passed over: they came after the scrape that the trail is
    ///   compared with, see ``lastLine(in:)``.
    public init(scope: Scope = .sinceStart, through lastLine: UInt64 = .max) {
        self.scope = scope
        self.lastLine = lastLine
    }

    /// Reads the file at `path`; files of a rotated set go in oldest first, see ``rotatedSet(of:)``.
    ///
    /// - Throws: ``AuditTrailError`` where the file cannot be opened or read.
    public mutating func read(file path: String) throws(AuditTrailError) {
        do throws(FileError) {
            var reader = try LineReader(path: path, limit: Self.maximumLineLength)
            var index = 0
            while let line = try reader.next() {
                index += 1
                let place = "\(path):\(index)"
                switch line {
                case .whole(let bytes): read(line: bytes, at: place)
                case .tooLong: bad("longer than \(Self.maximumLineLength) bytes", at: place)
                case .torn: report("torn: the line has no end, and was not counted", at: place)
                }
            }
        } catch {
            throw AuditTrailError(description: error.description)
        }
    }

    /// The files of the trail at `path` that exist, oldest first: `path.N` … `path.1`, `path`.
    public static func rotatedSet(of path: String) -> [String] {
        var set = [path]
        var index = 1
        while access("\(path).\(index)", F_OK) == 0 {
            set.append("\(path).\(index)")
            index += 1
        }
        return set.reversed()
    }

    /// Reads one line, without its newline; `place` is where it stands.
    public mutating func read(line bytes: ArraySlice<UInt8>, at place: String) {
        guard let value = try? JSONSerialization.jsonObject(with: Data(bytes)), let object = value as? [String: Any]
        else { return bad("no JSON object", at: place) }
        guard let number = Self.integer(object["line"]), let name = object["event"] as? String,
            let stream = object["stream"] as? String
        else { return bad("line, event or stream is missing", at: place) }
        guard number <= lastLine else { return }
        guard let event = AuditEventName(rawValue: name) else {
            return bad("unknown event \"\(name.prefix(64))\"", at: place)
        }
        guard count(event, object, of: stream) else {
            return bad("\(name) lacks a key that is counted by", at: place)
        }
        follow(number, at: place)
        lines += 1
        if !stream.isEmpty { streams.insert(stream) }
    }

    private mutating func follow(_ number: UInt64, at place: String) {
        defer { lastNumber = number }
        guard let lastNumber else { return }
        if number == 1 {
            report("the numbering begins anew", at: place)
        } else if number <= lastNumber {
            report("line \(number) comes after line \(lastNumber): out of order, or twice", at: place)
        } else if number > lastNumber + 1 {
            let (sum, overflow) = missingLines.addingReportingOverflow(number - lastNumber - 1)
            missingLines = overflow ? .max : sum
            let range =
                number == lastNumber + 2 ? "line \(lastNumber + 1) is" : "lines \(lastNumber + 1) to \(number - 1) are"
            report("\(range) missing", at: place)
        }
    }

    /// Adds what the line says; false where it does not say it.
    private mutating func count(_ event: AuditEventName, _ object: [String: Any], of stream: String) -> Bool {
        switch event {
        case .streamStarted:
            if scope == .sinceStart {
                for counter in counters.keys where counter.stream == stream { counters[counter] = nil }
            }
        case .websocketReconnection:
            guard let status = object["status"] as? String else { return false }
            if status != "success" {
                guard let cause = object["cause"] as? String else { return false }
                add(.connectFailures, stream, cause)
            }
            add(.retries, stream)
        case .connectFailed:
            guard let cause = object["cause"] as? String else { return false }
            add(.connectFailures, stream, cause)
        case .streamLive:
            // An outage is what parts the return after a loss from the first time.
            if object["outageMs"] != nil { add(.reconnects, stream) }
        case .connectionLost:
            guard let cause = object["cause"] as? String else { return false }
            add(.disconnects, stream, cause)
        case .resumeSettled:
            guard let outcome = object["outcome"] as? String else { return false }
            add(.resumes, stream, outcome)
        case .sequenceGap: add(.gaps, stream)
        case .sequenceReset: add(.resets, stream)
        case .messagesLost:
            guard let count = Self.integer(object["count"]) else { return false }
            add(.lost, stream, count: count)
        case .retriesExhausted: add(.exhausted, stream)
        case .subscriptionsRejected, .backoffScheduled, .reconnectAck, .bufferFlushed, .sequenceGapClosed,
            .heartbeatTimeout, .silenceTimeout,
            .tokenRefreshed, .tokenRejected, .plannedHandover, .streamStopped, .configReloaded, .auditDropped:
            break
        }
        return true
    }

    private mutating func add(
        _ metric: ReplayCounter.Metric, _ stream: String, _ value: String = "", count: UInt64 = 1
    ) {
        let (sum, overflow) = counters[ReplayCounter(metric, stream: stream, value: value), default: 0]
            .addingReportingOverflow(count)
        counters[ReplayCounter(metric, stream: stream, value: value)] = overflow ? .max : sum
    }

    private mutating func bad(_ message: String, at place: String) {
        badLines += 1
        report(message, at: place)
    }

    private mutating func report(_ message: String, at place: String) {
        problemCount += 1
        if problems.count < Self.maximumProblems { problems.append(Problem(place: place, message: message)) }
    }

    private static func integer(_ value: Any?) -> UInt64? {
        guard let number = value as? NSNumber else { return nil }
        return UInt64(exactly: number)
    }

    /// The counters in the text format of Prometheus; every series that is not 0, sorted.
    public var text: String {
        var text = ""
        var metric: ReplayCounter.Metric?
        for (counter, value) in counters.sorted(by: { $0.key < $1.key }) {
            if metric != counter.metric {
                metric = counter.metric
                text += "# TYPE \(counter.metric.rawValue) counter\n"
            }
            text += "\(counter) \(value)\n"
        }
        return text
    }
}
