import StreamModel

@testable import WebSocketCodec

extension FuzzTarget {
    /// Frames and deflate, from both ends. The first two bytes choose the end, the agreement and the limit.
    static let frames = FuzzTarget(
        name: "frames", seeds: ["Fuzzing/Corpus/frames"],
        words: ["\u{81}", "\u{01}\u{00}", "\u{1}\u{3}", "\u{FF}\u{FF}", "🎉"], mostBytes: 8192, shortRun: 500
    ) { input in
        guard input.count >= 2 else { return }
        let scene = FrameScene(input[0], input[1])
        let bytes = input[2...]
        let whole = scene.decode(bytes) { .max }
        var random = SplitMix64(seed: UInt64(input.count) << 8 | UInt64(input[1]))
        for (what, piece) in [("byte by byte", 1), ("in small pieces", 9), ("in pieces", 700)] {
            let parts = scene.decode(bytes) { piece == 1 ? 1 : Int.random(in: 1...piece, using: &random) }
            try demand(parts.events == whole.events, "\(what): \(parts.events.count) events, not \(whole.events.count)")
            try demand(parts.error == whole.error, "\(what): \(String(describing: parts.error)), not as at once")
            let most = 2 * (scene.limit + 1) + 16384
            try demand(parts.held <= most, "\(what): held \(parts.held) bytes, the limit is \(scene.limit)")
        }
        for case .message(_, let payload) in whole.events {
            try demand(payload.count <= scene.limit, "a message of \(payload.count) bytes, the limit is \(scene.limit)")
        }
        if scene.deflate == nil {
            let reference = ReferenceFrames(bytes, role: scene.role, limit: scene.limit)
            try demand(reference.events == whole.events, "events other than the plain reading's")
            try demand(
                reference.fault == whole.error?.closeCode,
                "\(String(describing: whole.error)), the plain reading says \(String(describing: reference.fault))")
        }
        try scene.demandRoundTrip(of: whole.events, using: &random)
    }
}

/// One end of a connection with what was agreed on.
private struct FrameScene {
    let role: WebSocketRole
    let deflate: DeflateAgreement?
    let limit: Int

    struct Outcome {
        var events: [FrameEvent]
        var error: WebSocketError?
        /// The most memory that was held between two pieces.
        var held = 0
    }

    private struct Recorder: WebSocketReceiver {
        var events: [FrameEvent] = []
        mutating func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
            events.append(.message(isText: kind == .text, Array(payload)))
        }
        mutating func receivedPing(_ payload: UnsafeRawBufferPointer) { events.append(.ping(Array(payload))) }
        mutating func receivedPong(_ payload: UnsafeRawBufferPointer) { events.append(.pong(Array(payload))) }
        mutating func receivedClose(code: UInt16, reason: String) { events.append(.close(code, Array(reason.utf8))) }
    }

    init(_ first: UInt8, _ second: UInt8) {
        role = first & 1 == 0 ? .client : .server
        limit = [125, 3000, 20_000, 70_000][Int(first >> 4 & 3)]
        deflate =
            first & 2 == 0
            ? nil
            : DeflateAgreement(
                serverNoContextTakeover: first & 4 != 0, clientNoContextTakeover: first & 8 != 0,
                serverMaxWindowBits: 8 + Int(second & 7), clientMaxWindowBits: 8 + Int(second >> 3 & 7))
    }

    private var otherRole: WebSocketRole { role == .client ? .server : .client }

    func decode(_ bytes: ArraySlice<UInt8>, piece: () -> Int) -> Outcome {
        var decoder = WebSocketDecoder(role: role, maxMessageSize: limit, deflate: deflate)
        var recorder = Recorder()
        var outcome = Outcome(events: [])
        var rest = bytes
        while !rest.isEmpty, outcome.error == nil {
            let part = Array(rest.prefix(piece()))
            rest = rest.dropFirst(part.count)
            // A copy with its own bounds, so that reading beyond them shows.
            let result = part.withUnsafeBytes { raw in
                Result { () throws(WebSocketError) in try decoder.decode(raw, into: &recorder) }
            }
            if case .failure(let error) = result { outcome.error = error }
            outcome.held = max(outcome.held, decoder.heldCapacity)
        }
        outcome.events = recorder.events
        return outcome
    }

    /// What came out, sent by the other end in fragments, comes out again.
    func demandRoundTrip(of events: [FrameEvent], using random: inout SplitMix64) throws {
        var encoder = WebSocketEncoder(role: otherRole, deflate: deflate)
        var wire: [UInt8] = []
        for event in events {
            let key = UInt32(truncatingIfNeeded: random.next())
            switch event {
            case .message(let isText, let payload):
                let size = Int.random(in: 1...200, using: &random)
                payload.withUnsafeBytes {
                    encoder.encode(
                        isText ? .text : .binary, $0, fragmentSize: size, maskingKeys: { key },
                        compressed: key & 1 == 0, into: &wire)
                }
            case .ping(let payload): payload.withUnsafeBytes { encoder.ping($0, maskingKey: key, into: &wire) }
            case .pong(let payload): payload.withUnsafeBytes { encoder.pong($0, maskingKey: key, into: &wire) }
            case .close(let code, let reason):
                // 1010 is the client's to send, 1005 nobody's.
                guard CloseCode.isSendable(code, by: otherRole) else { continue }
                encoder.close(
                    code: code, reason: String(decoding: reason, as: UTF8.self), maskingKey: key, into: &wire)
            }
        }
        let sent = events.filter { event in
            if case .close(let code, _) = event { CloseCode.isSendable(code, by: otherRole) } else { true }
        }
        let again = decode(wire[...]) { .max }
        try demand(again.error == nil, "sent again: \(String(describing: again.error))")
        try demand(again.events == sent, "sent again, something else came out")
    }
}
