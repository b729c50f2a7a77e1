import Testing

@testable import WebSocketCodec

/// Sequences drawn from a seed. A failure names its seed.
@Suite struct GeneratedTests {
    /// A valid conversation of one side: its bytes, and what has to come out.
    struct Conversation {
        var bytes: [UInt8] = []
        var events: [Received] = []
        var deflate: DeflateAgreement?

        init(from sender: WebSocketRole, using random: inout SeededGenerator) {
            if Bool.random(using: &random) {
                deflate = DeflateAgreement(
                    serverNoContextTakeover: .random(using: &random), clientNoContextTakeover: .random(using: &random),
                    serverMaxWindowBits: .random(in: 8...15, using: &random),
                    clientMaxWindowBits: .random(in: 8...15, using: &random))
            }
            var encoder = WebSocketEncoder(role: sender, deflate: deflate)
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                append(by: &encoder, using: &random)
            }
            if Bool.random(using: &random) {
                let reason = String(repeating: "é", count: .random(in: 0...61, using: &random))
                encoder.close(
                    code: 4000, reason: reason, maskingKey: .random(in: 0 ... .max, using: &random), into: &bytes)
                events.append(.close(4000, reason))
            }
        }

        private mutating func append(by encoder: inout WebSocketEncoder, using random: inout SeededGenerator) {
            let small = Self.bytes(upTo: 125, using: &random)
            let key = UInt32.random(in: 0 ... .max, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                small.withUnsafeBytes { encoder.ping($0, maskingKey: key, into: &bytes) }
                events.append(.ping(small))
            case 1:
                small.withUnsafeBytes { encoder.pong($0, maskingKey: key, into: &bytes) }
                events.append(.pong(small))
            case 2, 3:
                let scalars: [Character] = ["a", "{", " ", "é", "€", "🎉", "\0"]
                let count = Int.random(in: 0...200, using: &random)
                let text = Array(
                    String((0..<count).map { _ in scalars.randomElement(using: &random) ?? "a" }).utf8)
                message(.text, text, by: &encoder, using: &random)
                events.append(.text(text))
            default:
                let limits = [10, 200, 2000, Int.random(in: 0..<20, using: &random) == 0 ? 70_000 : 130]
                let payload = Self.bytes(upTo: limits.randomElement(using: &random) ?? 10, using: &random)
                message(.binary, payload, by: &encoder, using: &random)
                events.append(.binary(payload))
            }
        }

        private mutating func message(
            _ kind: MessageKind, _ payload: [UInt8], by encoder: inout WebSocketEncoder,
            using random: inout SeededGenerator
        ) {
            let size = Bool.random(using: &random) ? Int.max : Int.random(in: 1...100, using: &random)
            let compressed = Bool.random(using: &random)
            payload.withUnsafeBytes {
                encoder.encode(
                    kind, $0, fragmentSize: size, maskingKeys: { .random(in: 0 ... .max, using: &random) },
                    compressed: compressed, into: &bytes)
            }
        }

        private static func bytes(upTo most: Int, using random: inout SeededGenerator) -> [UInt8] {
            // Few different values, so that there is something to compress.
            let count = Int.random(in: 0...most, using: &random)
            return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() & 0x83) }
        }
    }

    @Test(arguments: [WebSocketRole.server, .client])
    func `valid sequences come out as they went in, however they arrive`(_ sender: WebSocketRole) {
        for seed in UInt64(0)..<80 {
            var random = SeededGenerator(seed: seed)
            let conversation = Conversation(from: sender, using: &random)
            let expected = Outcome(events: conversation.events)
            let receiver: WebSocketRole = sender == .server ? .client : .server
            for most in [1, 10, 300, 5000] {
                let outcome = decode(
                    conversation.bytes, role: receiver, deflate: conversation.deflate,
                    chunk: { Int.random(in: 1...most, using: &random) })
                #expect(outcome == expected, "seed \(seed), pieces up to \(most)")
            }
        }
    }

    @Test func `a sequence split at every single place comes out the same`() {
        for seed in UInt64(200)..<203 {
            var random = SeededGenerator(seed: seed)
            var conversation = Conversation(from: .server, using: &random)
            while conversation.bytes.count > 800 {
                conversation = Conversation(from: .server, using: &random)
            }
            for split in 0...conversation.bytes.count {
                var sizes = [split, Int.max][...]
                let outcome = decode(
                    conversation.bytes, deflate: conversation.deflate, chunk: { sizes.popFirst() ?? .max })
                #expect(outcome == Outcome(events: conversation.events), "seed \(seed), split at \(split)")
            }
        }
    }

    /// Flips, cuts, doubles and inserts bytes.
    private static func mutated(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            guard !bytes.isEmpty else { return [0xFF] }
            // Near the front more often: behind an error nothing is read.
            let place = Int.random(in: 0...Int.random(in: 0..<bytes.count, using: &random), using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = .random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(place..<min(place + 3, bytes.count))
            default: bytes.insert(contentsOf: bytes[place..<min(place + 9, bytes.count)], at: place)
            }
        }
        return bytes
    }

    @Test(arguments: [WebSocketRole.server, .client])
    func `hostile bytes never crash, hold little, and are judged alike in every division`(_ sender: WebSocketRole) {
        let receiver: WebSocketRole = sender == .server ? .client : .server
        let limit = 3000
        var errors: Set<WebSocketError.Kind> = []
        for seed in UInt64(1000)..<1250 {
            var random = SeededGenerator(seed: seed)
            let conversation = Conversation(from: sender, using: &random)
            guard conversation.bytes.count < 20_000 else { continue }
            let bytes = Self.mutated(conversation.bytes, using: &random)
            let whole = decode(bytes, role: receiver, limit: limit, deflate: conversation.deflate)
            if let kind = whole.error?.kind { errors.insert(kind) }
            for most in [1, 40] {
                let parts = decode(
                    bytes, role: receiver, limit: limit, deflate: conversation.deflate,
                    chunk: { Int.random(in: 1...most, using: &random) })
                #expect(parts == whole, "seed \(seed), pieces up to \(most)")
            }
            var decoder = WebSocketDecoder(role: receiver, maxMessageSize: limit, deflate: conversation.deflate)
            var recorder = Recorder()
            for start in stride(from: 0, to: bytes.count, by: 50) where !decoder.isFinished {
                // The error itself was compared above.
                try? decode(Array(bytes[start..<min(start + 50, bytes.count)]), by: &decoder, into: &recorder)
                let held = decoder.heldCapacity
                #expect(held <= 4 * limit, "seed \(seed)")
            }
        }
        // Otherwise the mutations would be too tame to say anything.
        #expect(errors.count >= 8, "\(errors)")
    }

    @Test func `random bytes end soon and alike`() {
        for seed in UInt64(5000)..<5500 {
            var random = SeededGenerator(seed: seed)
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            let deflate = seed % 2 == 0 ? DeflateAgreement() : nil
            #expect(
                decode(bytes, limit: 1000, deflate: deflate)
                    == decode(bytes, limit: 1000, deflate: deflate, pieces: 1), "seed \(seed)")
        }
    }
}
