import WebSocketCodec

/// What a decoder handed on, as values.
enum Received: Equatable, Sendable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16, String)

    static func text(_ string: String) -> Received { .text(Array(string.utf8)) }
}

/// Keeps all that is handed on.
struct Recorder: WebSocketReceiver {
    var events: [Received] = []

    mutating func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
        events.append(kind == .text ? .text(Array(payload)) : .binary(Array(payload)))
    }
    mutating func receivedPing(_ payload: UnsafeRawBufferPointer) { events.append(.ping(Array(payload))) }
    mutating func receivedPong(_ payload: UnsafeRawBufferPointer) { events.append(.pong(Array(payload))) }
    mutating func receivedClose(code: UInt16, reason: String) { events.append(.close(code, reason)) }
}

/// What came out of a conversation: events, and the error that ended it.
struct Outcome: Equatable, Sendable {
    var events: [Received]
    var error: WebSocketError?
    /// Bytes that were fed when the error came.
    var fed = 0

    static func == (left: Outcome, right: Outcome) -> Bool {
        left.events == right.events && left.error == right.error
    }
}

/// Decodes bytes that arrive in the given division: `chunk` gives the size of the next piece.
func decode(
    _ bytes: [UInt8], role: WebSocketRole = .client, limit: Int = 1 << 20, deflate: DeflateAgreement? = nil,
    chunk: () -> Int = { .max }
) -> Outcome {
    var decoder = WebSocketDecoder(role: role, maxMessageSize: limit, deflate: deflate)
    var recorder = Recorder()
    var index = 0
    return bytes.withUnsafeBytes { all in
        while index < all.count {
            let count = min(max(chunk(), 1), all.count - index)
            let part = UnsafeRawBufferPointer(rebasing: all[index..<(index + count)])
            index += count
            do throws(WebSocketError) {
                try decoder.decode(part, into: &recorder)
            } catch {
                return Outcome(events: recorder.events, error: error, fed: index)
            }
            // As after each batch of reads: whatever that gives back, nothing may be missed.
            decoder.rest()
        }
        return Outcome(events: recorder.events, error: nil, fed: index)
    }
}

/// Decodes in pieces of at most so many bytes.
func decode(
    _ bytes: [UInt8], role: WebSocketRole = .client, limit: Int = 1 << 20, deflate: DeflateAgreement? = nil,
    pieces: Int
) -> Outcome {
    decode(bytes, role: role, limit: limit, deflate: deflate, chunk: { pieces })
}

/// Feeds bytes at once to a decoder that goes on.
func decode<R: WebSocketReceiver>(
    _ bytes: [UInt8], by decoder: inout WebSocketDecoder, into receiver: inout R
) throws(WebSocketError) {
    let result = bytes.withUnsafeBytes { all in
        Result { () throws(WebSocketError) in try decoder.decode(all, into: &receiver) }
    }
    try result.get()
}

/// A frame by hand, so that it can be wrong in any way.
func frame(
    _ first: UInt8, _ payload: [UInt8] = [], mask: UInt32? = nil, length: [UInt8]? = nil
) -> [UInt8] {
    var bytes = [first]
    let masked: UInt8 = mask == nil ? 0 : 0x80
    if let length {
        bytes += [length[0] | masked] + length.dropFirst()
    } else if payload.count <= 125 {
        bytes.append(masked | UInt8(payload.count))
    } else if payload.count <= 65535 {
        bytes += [masked | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    } else {
        bytes.append(masked | 127)
        bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> (8 * $0)) }
    }
    guard let mask else { return bytes + payload }
    let key = (0..<4).reversed().map { UInt8(truncatingIfNeeded: mask >> (8 * UInt32($0))) }
    return bytes + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
}

func frame(_ first: UInt8, _ text: String, mask: UInt32? = nil) -> [UInt8] {
    frame(first, Array(text.utf8), mask: mask)
}

/// Encodes one message by a fresh encoder or by the given one.
func encoded(
    _ kind: MessageKind, _ payload: [UInt8], by encoder: inout WebSocketEncoder, maskingKey: UInt32 = 0x1234_5678,
    compressed: Bool = true
) -> [UInt8] {
    var output: [UInt8] = []
    payload.withUnsafeBytes {
        encoder.encode(kind, $0, maskingKey: maskingKey, compressed: compressed, into: &output)
    }
    return output
}

/// A generator with a seed (SplitMix64), so that every run draws the same and a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
