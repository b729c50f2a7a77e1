/// The close codes with a meaning of their own, and which may stand in a frame (RFC 6455, section 7.4, and the
/// registry that it founded).
public enum CloseCode {
    /// The purpose of the connection is fulfilled.
    public static let normal: UInt16 = 1000
    /// The endpoint goes away.
    public static let goingAway: UInt16 = 1001
    /// The peer broke the protocol.
    public static let protocolError: UInt16 = 1002
    /// A kind of data that the endpoint can't accept.
    public static let unsupportedData: UInt16 = 1003
    /// The frame had no code. Never on the wire.
    public static let noStatus: UInt16 = 1005
    /// There was no close frame. Never on the wire.
    public static let abnormal: UInt16 = 1006
    /// The payload did not fit its kind, as text that is not UTF-8.
    public static let invalidPayload: UInt16 = 1007
    /// A message against the endpoint's policy.
    public static let policyViolation: UInt16 = 1008
    /// A message that is too big.
    public static let messageTooBig: UInt16 = 1009
    /// The server did not agree to an extension that the client needs. Only a client sends it.
    public static let mandatoryExtension: UInt16 = 1010
    /// The endpoint met a condition that it had not expected.
    public static let internalError: UInt16 = 1011
    /// The service restarts (registered later).
    public static let serviceRestart: UInt16 = 1012
    /// Come back later (registered later).
    public static let tryAgainLater: UInt16 = 1013
    /// A gateway got a bad answer from upstream (registered later).
    public static let badGateway: UInt16 = 1014
    /// TLS failed. Never on the wire.
    public static let tlsHandshake: UInt16 = 1015

    /// Whether a close frame of the peer may carry it: the defined codes below 1016 without 1004, 1005, 1006 and 1015,
    /// 3000 to 3999 for libraries, 4000 to 4999 for private use (RFC 6455, section 7.4.2).
    public static func isReceivable(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// Whether our own close frame may carry it: what may be received, without 1010 for a server
    /// (RFC 6455, section 7.4.1).
    public static func isSendable(_ code: UInt16, by role: WebSocketRole) -> Bool {
        isReceivable(code) && !(role == .server && code == mandatoryExtension)
    }
}
