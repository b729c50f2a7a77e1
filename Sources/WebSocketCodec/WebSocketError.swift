/// The peer broke the protocol or went over a limit: the connection has to be failed (RFC 6455, section 7.1.7).
public struct WebSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The rule that was broken.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// A reserved bit that no extension gave a meaning for this frame (RFC 6455, section 5.2; RFC 7692, section 6).
        case reservedBits
        /// Opcodes 3 to 7 and 11 to 15 (RFC 6455, section 5.2).
        case reservedOpcode
        /// A control frame without FIN (RFC 6455, section 5.5).
        case fragmentedControlFrame
        /// A control frame with more than 125 bytes (RFC 6455, section 5.5).
        case controlFrameTooLong
        /// A frame of the server with a masking key (RFC 6455, section 5.1).
        case maskedServerFrame
        /// A frame of the client without a masking key (RFC 6455, section 5.1).
        case unmaskedClientFrame
        /// A length that would have fitted into a shorter form (RFC 6455, section 5.2).
        case lengthNotMinimal
        /// A 64-bit length whose most significant bit is set (RFC 6455, section 5.2).
        case lengthOutOfRange
        /// A continuation where no message was under way (RFC 6455, section 5.4).
        case unexpectedContinuation
        /// A new data message inside of a fragmented one (RFC 6455, section 5.4).
        case expectedContinuation
        /// Text that is not UTF-8 (RFC 6455, section 8.1).
        case invalidText
        /// A close frame of one byte (RFC 6455, section 5.5.1).
        case closePayloadTooShort
        /// A close code that must not be sent (RFC 6455, section 7.4).
        case invalidCloseCode
        /// A close reason that is not UTF-8 (RFC 6455, section 5.5.1).
        case invalidCloseReason
        /// A message above our limit (RFC 6455, section 10.4).
        case messageTooBig
        /// Bytes that can't be inflated (RFC 7692, section 7.2.2).
        case invalidCompressedData
    }

    /// The rule that was broken.
    public let kind: Kind
    /// What happened, for people; names sizes and codes, never payload.
    public let description: String

    /// A broken rule, and what happened.
    public init(kind: Kind, description: String) {
        self.kind = kind
        self.description = description
    }

    /// The close code to answer with (RFC 6455, section 7.4.1): 1002, 1007 or 1009.
    public var closeCode: UInt16 {
        switch kind {
        case .invalidText, .invalidCloseReason, .invalidCompressedData: CloseCode.invalidPayload
        case .messageTooBig: CloseCode.messageTooBig
        case .reservedBits, .reservedOpcode, .fragmentedControlFrame, .controlFrameTooLong, .maskedServerFrame,
            .unmaskedClientFrame, .lengthNotMinimal, .lengthOutOfRange, .unexpectedContinuation,
            .expectedContinuation, .closePayloadTooShort, .invalidCloseCode:
            CloseCode.protocolError
        }
    }
}
