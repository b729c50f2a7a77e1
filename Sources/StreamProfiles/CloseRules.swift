public import StreamModel

/// What the close codes and reasons of a service mean.
public struct CloseRules: Hashable, Sendable {
    /// Codes, and beginnings of reasons, that share a meaning.
    public struct Group: Hashable, Sendable {
        /// Close codes.
        public var codes: Set<UInt16>
        /// Beginnings of close reasons.
        public var reasonPrefixes: [String]

        /// The codes and beginnings of reasons that share a meaning.
        public init(codes: Set<UInt16> = [], reasonPrefixes: [String] = []) {
            self.codes = codes
            self.reasonPrefixes = reasonPrefixes
        }

        func holds(_ code: UInt16, _ reason: String) -> Bool {
            codes.contains(code) || reasonPrefixes.contains { reason.hasPrefix($0) }
        }
    }

    /// Normal terminations: no reconnect.
    public var final = Group()
    /// The token was stale.
    public var staleCredential = Group()
    /// Come back later.
    public var throttled = Group()

    /// No close has a meaning of its own.
    public init() {}

    /// What a close means. A stale credential and a throttling are looked for first, for a server may well say them
    /// with code 1000.
    public func meaning(ofClose code: UInt16, reason: String) -> Closure.Meaning {
        if staleCredential.holds(code, reason) { return .staleCredential }
        if throttled.holds(code, reason) { return .throttled }
        if final.holds(code, reason) { return .final }
        return .plain
    }
}
