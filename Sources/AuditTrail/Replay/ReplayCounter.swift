/// A counter that a trail can be replayed to: one series of the metrics of one stream.
public struct ReplayCounter: Hashable, Comparable, Sendable {
    /// The metrics that a trail determines.
    public enum Metric: String, CaseIterable, Sendable {
        /// Reconnect attempts.
        case retries = "holdfast_retries_total"
        /// Times live again after a loss.
        case reconnects = "holdfast_reconnects_total"
        /// Live connections lost, by reason.
        case disconnects = "holdfast_disconnects_total"
        /// Attempts that did not become live, by reason.
        case connectFailures = "holdfast_connect_failures_total"
        /// What resumes brought back, by outcome.
        case resumes = "holdfast_resumes_total"
        /// Ranges of missing numbers.
        case gaps = "holdfast_sequence_gaps_total"
        /// Times that the server numbered anew.
        case resets = "holdfast_sequence_resets_total"
        /// Numbers given up as lost.
        case lost = "holdfast_messages_lost_total"
        /// Times that the retry limit was reached.
        case exhausted = "holdfast_retries_exhausted_total"

        /// The label that parts the metric, beside the stream; nil where it has none.
        public var label: String? {
            switch self {
            case .disconnects, .connectFailures: "reason"
            case .resumes: "outcome"
            case .retries, .reconnects, .gaps, .resets, .lost, .exhausted: nil
            }
        }
    }

    /// The metric.
    public var metric: Metric
    /// The stream.
    public var stream: String
    /// The value of the metric's own label; empty where it has none.
    public var value: String

    /// The series of `metric` for `stream`.
    public init(_ metric: Metric, stream: String, value: String = "") {
        self.metric = metric
        self.stream = stream
        self.value = value
    }

    /// By metric in the order of the catalogue, then by stream, then by label.
    public static func < (left: ReplayCounter, right: ReplayCounter) -> Bool {
        (left.metric.position, left.stream, left.value) < (right.metric.position, right.stream, right.value)
    }
}

extension ReplayCounter: CustomStringConvertible {
    /// The series as Prometheus writes it.
    public var description: String {
        let own = metric.label.map { ",\($0)=\"\(Self.escape(value))\"" } ?? ""
        return "\(metric.rawValue){stream=\"\(Self.escape(stream))\"\(own)}"
    }

    private static func escape(_ value: String) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension ReplayCounter.Metric {
    fileprivate var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
