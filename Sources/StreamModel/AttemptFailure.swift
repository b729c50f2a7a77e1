/// Why an attempt did not become live, and what that means for the next one.
public struct AttemptFailure: Hashable, Sendable {
    /// The closed set that metrics know.
    public var reason: ConnectFailureReason
    /// The HTTP status of the refusal, where there was one.
    public var httpStatus: Int?
    /// The close code, where the connection was closed before it was live.
    public var closeCode: UInt16?
    /// The least time to wait, where the server named one: a floor below the backoff.
    public var retryAfter: Duration?
    /// What happened, in words, for people. Never holds a token, a secret or a URL's query.
    public var detail: String?
    /// What follows.
    public var consequence: Consequence

    /// What an attempt's failure means for the next attempt.
    public enum Consequence: Hashable, Sendable {
        /// The ordinary backoff.
        case retry
        /// The ordinary backoff, and a new token first.
        case retryWithNewToken
        /// The credential itself was rejected: wait the longest delay rather than hammer.
        case retryAtCap
        /// What was prepared (a channel, a one-time address) is no longer good: prepare anew.
        case prepareAnew
        /// No further attempt.
        case stop
    }

    /// A failure for `reason`.
    public init(
        reason: ConnectFailureReason, httpStatus: Int? = nil, closeCode: UInt16? = nil, retryAfter: Duration? = nil,
        detail: String? = nil, consequence: Consequence = .retry
    ) {
        self.reason = reason
        self.httpStatus = httpStatus
        self.closeCode = closeCode
        self.retryAfter = retryAfter
        self.detail = detail
        self.consequence = consequence
    }
}
