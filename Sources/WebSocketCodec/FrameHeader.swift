/// The opcodes that are defined (RFC 6455, section 5.2).
enum Opcode: UInt8 {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool { rawValue & 0x8 != 0 }
}

/// A frame's header, read byte by byte, so that each rule is applied as soon as its byte is there
/// (RFC 6455, section 5.2).
struct FrameHeader {
    private(set) var isFinal = true
    private(set) var isCompressed = false
    private(set) var opcode = Opcode.continuation
    private(set) var isMasked = false
    private(set) var mask = FrameMask(key: 0)
    /// The payload's length; whole once `take` has said so.
    private(set) var length = 0
    private var stage = Stage.first
    /// Bits of the length field that is used: 7, 16 or 64.
    private var lengthBits = 7

    private enum Stage {
        case first
        case second
        /// So many bytes of a 16- or 64-bit length are missing.
        case length(missing: Int)
        /// So many bytes of the masking key are missing.
        case mask(missing: Int)
        case complete
    }

    /// What the connection and the frames before allow.
    struct Context {
        var role: WebSocketRole
        /// Whether permessage-deflate was agreed.
        var inflates: Bool
        /// Whether a fragmented message is under way.
        var isFragmented: Bool
    }

    var isComplete: Bool {
        if case .complete = stage { true } else { false }
    }

    /// Takes the next byte of the header; true where it was the last one of the length.
    mutating func take(_ byte: UInt8, in context: Context) throws(WebSocketError) -> Bool {
        switch stage {
        case .first:
            try takeFirst(byte, in: context)
            stage = .second
            return false
        case .second:
            return try takeSecond(byte, in: context)
        case .length(let missing):
            // What passes is below 2^63: the shift can't lose a bit.
            if missing == 8, byte >= 0x80 {
                throw WebSocketError(
                    kind: .lengthOutOfRange, description: "the frame's 64-bit length has its highest bit set")
            }
            length = length << 8 | Int(byte)
            guard missing == 1 else {
                stage = .length(missing: missing - 1)
                return false
            }
            try checkMinimal()
            endLength()
            return true
        case .mask(let missing):
            mask.key = mask.key << 8 | UInt32(byte)
            stage = missing == 1 ? .complete : .mask(missing: missing - 1)
            return false
        case .complete:
            return false
        }
    }

    private mutating func takeFirst(_ byte: UInt8, in context: Context) throws(WebSocketError) {
        guard let opcode = Opcode(rawValue: byte & 0x0F) else {
            throw WebSocketError(kind: .reservedOpcode, description: "opcode \(byte & 0x0F) is reserved")
        }
        self.opcode = opcode
        isFinal = byte & 0x80 != 0
        isCompressed = byte & 0x40 != 0
        let startsMessage = opcode == .text || opcode == .binary
        guard byte & 0x30 == 0, !isCompressed || (context.inflates && startsMessage) else {
            throw WebSocketError(
                kind: .reservedBits,
                description: "reserved bits \(byte >> 4 & 0x7) of 7 in a \(opcode) frame: "
                    + (context.inflates ? "only the first frame of a message may be compressed" : "nothing was agreed"))
        }
        if opcode.isControl, !isFinal {
            throw WebSocketError(kind: .fragmentedControlFrame, description: "a \(opcode) frame is fragmented")
        }
        if opcode == .continuation, !context.isFragmented {
            throw WebSocketError(
                kind: .unexpectedContinuation, description: "a continuation frame, but no message is under way")
        }
        if startsMessage, context.isFragmented {
            throw WebSocketError(
                kind: .expectedContinuation, description: "a new \(opcode) message inside of a fragmented one")
        }
    }

    private mutating func takeSecond(_ byte: UInt8, in context: Context) throws(WebSocketError) -> Bool {
        isMasked = byte & 0x80 != 0
        switch context.role {
        case .client where isMasked:
            throw WebSocketError(kind: .maskedServerFrame, description: "the server sent a masked \(opcode) frame")
        case .server where !isMasked:
            throw WebSocketError(kind: .unmaskedClientFrame, description: "the client sent an unmasked \(opcode) frame")
        case .client, .server:
            break
        }
        let short = byte & 0x7F
        if opcode.isControl, short > 125 {
            throw WebSocketError(
                kind: .controlFrameTooLong, description: "a \(opcode) frame announces more than 125 bytes")
        }
        switch short {
        case 126:
            lengthBits = 16
            stage = .length(missing: 2)
            return false
        case 127:
            lengthBits = 64
            stage = .length(missing: 8)
            return false
        default:
            length = Int(short)
            endLength()
            return true
        }
    }

    private func checkMinimal() throws(WebSocketError) {
        guard length < (lengthBits == 16 ? 126 : 65536) else { return }
        throw WebSocketError(
            kind: .lengthNotMinimal, description: "the length \(length) is written in \(lengthBits) bits, not in fewer")
    }

    private mutating func endLength() {
        stage = isMasked ? .mask(missing: 4) : .complete
    }
}
