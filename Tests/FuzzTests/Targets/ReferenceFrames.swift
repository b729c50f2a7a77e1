import WebSocketCodec

/// What a decoder handed on, as values.
enum FrameEvent: Equatable {
    case message(isText: Bool, [UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16, [UInt8])
}

/// RFC 6455, section 5, read plainly: all input at once, slowly, frame by frame, without compression. Written from the
/// standard and not from the decoder that it judges.
struct ReferenceFrames {
    private(set) var events: [FrameEvent] = []
    /// The close code that the first fault calls for; nil where there is none.
    private(set) var fault: UInt16?

    private var input: ArraySlice<UInt8>
    private let isClient: Bool
    private let limit: Int
    /// The data message under way.
    private var isText = false
    private var parts: [UInt8]?

    private struct Fault: Error {
        let code: UInt16
    }

    /// The input ends inside of a frame.
    private struct Incomplete: Error {}

    init(_ bytes: ArraySlice<UInt8>, role: WebSocketRole, limit: Int) {
        input = bytes
        isClient = role == .client
        self.limit = limit
        do {
            while try frame() {}
        } catch let error as Fault {
            fault = error.code
        } catch {
            // Incomplete: more may come.
        }
    }

    private mutating func byte() throws -> UInt8 {
        guard let byte = input.popFirst() else { throw Incomplete() }
        return byte
    }

    private func demand(_ condition: Bool, _ code: UInt16 = 1002) throws {
        if !condition { throw Fault(code: code) }
    }

    /// Reads a frame; false behind a close frame.
    private mutating func frame() throws -> Bool {
        let first = try byte()
        let (isFinal, opcode) = (first & 0x80 != 0, first & 0x0F)
        try demand(first & 0x70 == 0)
        try demand([0, 1, 2, 8, 9, 10].contains(opcode))
        let isControl = opcode >= 8
        if isControl { try demand(isFinal) }
        if opcode == 0 { try demand(parts != nil) }
        if opcode == 1 || opcode == 2 { try demand(parts == nil) }
        let second = try byte()
        try demand((second & 0x80 != 0) != isClient)
        let length = try length(second & 0x7F, isControl: isControl)
        if !isControl { try demand(length <= limit - (parts?.count ?? 0), 1009) }
        var mask: [UInt8] = [0, 0, 0, 0]
        if !isClient { for index in 0..<4 { mask[index] = try byte() } }
        let payload = input.prefix(length).enumerated().map { $1 ^ mask[$0 % 4] }
        input = input.dropFirst(payload.count)
        if isControl {
            guard payload.count == length else { throw Incomplete() }
            return try control(opcode, payload)
        }
        if opcode != 0 {
            isText = opcode == 1
            parts = []
        }
        parts?.append(contentsOf: payload)
        if isText { try demand(Self.beginsText(parts ?? []), 1007) }
        guard payload.count == length else { throw Incomplete() }
        guard isFinal, let message = parts else { return true }
        if isText { try demand(Self.isText(message), 1007) }
        events.append(.message(isText: isText, message))
        parts = nil
        return true
    }

    private mutating func length(_ short: UInt8, isControl: Bool) throws -> Int {
        if isControl { try demand(short <= 125) }
        guard short > 125 else { return Int(short) }
        var length: UInt64 = 0
        for index in 0..<(short == 126 ? 2 : 8) {
            let next = try byte()
            if short == 127, index == 0 { try demand(next < 0x80) }
            length = length << 8 | UInt64(next)
        }
        try demand(length >= (short == 126 ? 126 : 65536))
        return Int(length)
    }

    private mutating func control(_ opcode: UInt8, _ payload: [UInt8]) throws -> Bool {
        switch opcode {
        case 9: events.append(.ping(payload))
        case 10: events.append(.pong(payload))
        default:
            try demand(payload.count != 1)
            guard payload.count >= 2 else {
                events.append(.close(1005, []))
                return false
            }
            let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
            let isDefined = [1000, 1001, 1002, 1003].contains(code) || (1007...1014).contains(code)
            try demand(isDefined || (3000...4999).contains(code))
            try demand(Self.isText(Array(payload[2...])), 1007)
            events.append(.close(code, Array(payload[2...])))
            return false
        }
        return true
    }

    private static func isText(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// Whether `bytes` are UTF-8, or become so by at most three bytes more.
    static func beginsText(_ bytes: [UInt8]) -> Bool {
        if isText(bytes) { return true }
        let whole = bytes.lastIndex { $0 & 0xC0 != 0x80 } ?? bytes.startIndex
        guard isText(Array(bytes[..<whole])) else { return false }
        let rest = Array(bytes[whole...])
        // The ranges of second bytes begin and end with these.
        for second in [0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF] as [UInt8] {
            for more in 0...2 where isText(rest + [second] + repeatElement(0x80, count: more)) { return true }
        }
        return false
    }
}
