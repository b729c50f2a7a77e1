public import StreamModel

/// What an HTTP status that refuses means: at the handshake, or as the answer to a prepared request.
public struct StatusRules: Hashable, Sendable {
    /// What follows, in the words of a profile.
    public enum Meaning: String, Hashable, Sendable, CaseIterable {
        /// The ordinary backoff.
        case retry
        /// The token was stale: a new one first.
        case newToken = "new_token"
        /// Wait the longest delay.
        case retryAtCap = "retry_at_cap"
        /// What was prepared is no longer good.
        case prepareAnew = "prepare_anew"
        /// No further attempt.
        case stop

        var consequence: AttemptFailure.Consequence {
            switch self {
            case .retry: .retry
            case .newToken: .retryWithNewToken
            case .retryAtCap: .retryAtCap
            case .prepareAnew: .prepareAnew
            case .stop: .stop
            }
        }
    }

    /// The meaning of single statuses.
    public var statuses: [Int: Meaning]
    /// The meaning of whole classes, by their first digit, where the single status has none.
    public var classes: [Int: Meaning]

    /// 401 means a stale token; everything else the ordinary backoff.
    public init(statuses: [Int: Meaning] = [401: .newToken], classes: [Int: Meaning] = [:]) {
        self.statuses = statuses
        self.classes = classes
    }

    /// What follows from `status`.
    public func meaning(of status: Int) -> Meaning {
        statuses[status] ?? classes[status / 100] ?? .retry
    }

    /// The failure of an attempt that was refused with `status`.
    ///
    /// - Parameters:
    ///   - retryAfter: what the header `Retry-After` asked for; it is heeded whatever the status.
    ///   - detail: what the server said of it, for people; shortened to 200 characters on one line.
    public func failure(forStatus status: Int, retryAfter: Duration? = nil, detail: String? = nil) -> AttemptFailure {
        let reason: ConnectFailureReason =
            switch status {
            case 401: .refusedToken
            case 403: .forbidden
            case 429: .throttled
            case 500...599: .gatewayError
            default: .httpError
            }
        return AttemptFailure(
            reason: reason, httpStatus: status, retryAfter: retryAfter,
            detail: detail.map(PlainText.line), consequence: meaning(of: status).consequence)
    }
}

/// Text from outside, made fit for a line of a log.
enum PlainText {
    /// At most 200 characters; control characters become spaces.
    static func line(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(200).map { scalar -> Unicode.Scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        var line = String(String.UnicodeScalarView(scalars))
        if text.unicodeScalars.count > 200 { line += "…" }
        return line
    }
}
