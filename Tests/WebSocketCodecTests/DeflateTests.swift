import Testing

@testable import WebSocketCodec

/// permessage-deflate (RFC 7692, section 7.2).
@Suite struct DeflateTests {
    static let plain = DeflateAgreement()

    @Test func `the examples of 7_2_3 are inflated`() {
        let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        let expected: [Received] = [.text("Hello")]
        // 7.2.3.1: one block, whole and in two fragments.
        let fragmented = frame(0x41, Array(hello[..<3])) + frame(0x80, Array(hello[3...]))
        // 7.2.3.3: a block without compression. 7.2.3.4: a final block. 7.2.3.5: two blocks.
        let stored: [UInt8] = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]
        let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]
        let blocks: [UInt8] = [
            0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00,
        ]
        for bytes in [frame(0xC1, hello), fragmented, frame(0xC1, stored), frame(0xC1, final), frame(0xC1, blocks)] {
            for pieces in 1...bytes.count {
                #expect(decode(bytes, deflate: Self.plain, pieces: pieces) == Outcome(events: expected))
            }
        }
        // 7.2.3.2: the second "Hello" is a reference into the first one's window.
        let second = frame(0xC1, hello) + frame(0xC1, [0xF2, 0x00, 0x11, 0x00, 0x00])
        #expect(decode(second, deflate: Self.plain).events == expected + expected)
        // 7.2.3.6: an empty message.
        #expect(decode(frame(0xC1, [0x00]), deflate: Self.plain).events == [.text("")])
    }

    @Test func `the window outlives a final block`() {
        let hello: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]
        let bytes = frame(0xC1, hello) + frame(0xC1, [0xF2, 0x00, 0x11, 0x00, 0x00])
        #expect(decode(bytes, deflate: Self.plain).events == [.text("Hello"), .text("Hello")])
    }

    @Test func `without takeover a reference into the message before is refused`() {
        let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        let bytes = frame(0xC1, hello) + frame(0xC1, [0xF2, 0x00, 0x11, 0x00, 0x00])
        let outcome = decode(bytes, deflate: DeflateAgreement(serverNoContextTakeover: true))
        #expect(outcome.events == [.text("Hello")])
        #expect(outcome.error?.kind == .invalidCompressedData)
    }

    @Test func `RSV1 is for the first fragment of data alone (section 6.1)`() {
        for bytes in [
            frame(0xC9), frame(0xCA), frame(0xC8), frame(0x41, [0]) + frame(0xC0), frame(0x01) + frame(0xC0),
            frame(0xA1), frame(0x91), frame(0xF1),
        ] {
            #expect(decode(bytes, deflate: Self.plain).error?.kind == .reservedBits)
        }
    }

    @Test func `uncompressed messages are allowed beside compressed ones (section 6)`() {
        let bytes = frame(0x81, "a") + frame(0xC1, [0x4A, 0x02, 0x00]) + frame(0x01, "c") + frame(0x80, "d")
        #expect(decode(bytes, deflate: Self.plain).events == [.text("a"), .text("b"), .text("cd")])
    }

    @Test func `what can't be inflated is refused`() {
        let cases: [[UInt8]] = [
            [0x06], [0xFF, 0xFF], [], [0xF2, 0x48], [0xF2, 0x48, 0xCD, 0xC9], [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48],
            [0x00, 0x05, 0x00, 0xFF, 0xFF], [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            // Final blocks without end, each of which costs a copy of the window.
            [UInt8](repeating: 0, count: 200).flatMap { _ -> [UInt8] in [0x03, 0x00] } + [0x00],
        ]
        for payload in cases {
            let whole = decode(frame(0xC2, payload), deflate: Self.plain)
            #expect(whole.error?.kind == .invalidCompressedData, "\(payload)")
            #expect(decode(frame(0xC2, payload), deflate: Self.plain, pieces: 1) == whole)
        }
    }

    @Test func `inflated text is checked, and fails with the frame that breaks it`() {
        var encoder = WebSocketEncoder(role: .server, deflate: Self.plain)
        let bytes = encoded(.text, Array("abc".utf8) + [0xFF] + Array("def".utf8), by: &encoder)
        let whole = decode(bytes, deflate: Self.plain)
        #expect(whole.error?.description == "a text message is not UTF-8 at byte 3")
        for pieces in 1...bytes.count {
            #expect(decode(bytes, deflate: Self.plain, pieces: pieces) == whole)
        }
    }

    static let agreements: [DeflateAgreement] = [true, false].flatMap { server in
        [true, false].flatMap { client in
            (8...15).map { bits in
                DeflateAgreement(
                    serverNoContextTakeover: server, clientNoContextTakeover: client, serverMaxWindowBits: bits,
                    clientMaxWindowBits: 23 - bits)
            }
        }
    }

    /// Text with repetitions near and far, so that a window that is too large on our side would show.
    static func messages(seed: UInt64) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        let words = (0..<40).map { _ in
            (0..<Int.random(in: 3...90, using: &random)).map { _ in UInt8.random(in: 97...122, using: &random) }
        }
        return [[], [0x7A]]
            + [40, 300, 3000, 20].map { size in
                var message: [UInt8] = []
                while message.count < size { message += words.randomElement(using: &random) ?? [] }
                return message
            }
    }

    @Test(arguments: agreements)
    func `messages come back in both directions with every agreement`(_ agreement: DeflateAgreement) {
        let messages = Self.messages(seed: 5)
        for (sender, receiver) in [(WebSocketRole.client, WebSocketRole.server), (.server, .client)] {
            var encoder = WebSocketEncoder(role: sender, deflate: agreement)
            var bytes: [UInt8] = []
            for (index, message) in messages.enumerated() {
                bytes += encoded(.text, message, by: &encoder, maskingKey: UInt32(index) &* 0x9E37_79B9)
            }
            let expected = Outcome(events: messages.map { .text($0) })
            #expect(decode(bytes, role: receiver, deflate: agreement) == expected)
            #expect(decode(bytes, role: receiver, deflate: agreement, pieces: 13) == expected)
        }
    }

    /// zlib's inflater looks at distances only when they leave its window: a room of one byte makes it strict.
    @Test(arguments: 8...15)
    func `our deflater keeps to the agreed window`(_ bits: Int) {
        var deflater = Deflater(windowBits: bits, keepsContext: true)
        var inflater = Inflater(windowBits: bits, keepsContext: true)
        for message in Self.messages(seed: 9) {
            var packed = MessageBuffer()
            let isPacked = message.withUnsafeBytes { deflater.deflate($0, into: &packed) }
            #expect(isPacked)
            var unpacked: [UInt8] = []
            for var rest in [Array(packed.bytes), [0, 0, 0xFF, 0xFF]] {
                rest.withUnsafeMutableBytes { input in
                    var input = UnsafeRawBufferPointer(input)
                    while true {
                        var one = MessageBuffer()
                        let outcome = inflater.step(&input, into: &one, most: 1)
                        unpacked += Array(one.bytes)
                        guard outcome == .more else {
                            #expect(outcome == .needsInput)
                            return
                        }
                    }
                }
            }
            let endsWithBlock = inflater.endMessage()
            #expect(endsWithBlock)
            #expect(unpacked == message)
        }
    }

    @Test func `takeover makes repeated messages small`() {
        var sizes: [Bool: Int] = [:]
        for noTakeover in [true, false] {
            var encoder = WebSocketEncoder(
                role: .server, deflate: DeflateAgreement(serverNoContextTakeover: noTakeover))
            let message = Self.messages(seed: 3)[4]
            _ = encoded(.text, message, by: &encoder)
            sizes[noTakeover] = encoded(.text, message, by: &encoder).count
        }
        #expect((sizes[false] ?? .max) * 10 < sizes[true] ?? 0)
    }

    @Test func `one gigabyte of zeros is refused at the limit`() throws {
        // A block of zeros refers to itself: after the first one, each is a copy of the bytes before.
        let million = [UInt8](repeating: 0, count: 1 << 20)
        var deflater = Deflater(windowBits: 15, keepsContext: true)
        var packed = MessageBuffer()
        _ = million.withUnsafeBytes { deflater.deflate($0, into: &packed) }
        var bomb = Array(packed.bytes)
        _ = million.withUnsafeBytes { deflater.deflate($0, into: &packed) }
        let next = [0, 0, 0xFF, 0xFF] + Array(packed.bytes)
        for _ in 1..<1024 { bomb += next }
        #expect(bomb.count < 2 << 20)

        var decoder = WebSocketDecoder(role: .client, maxMessageSize: 3 << 20, deflate: Self.plain)
        var recorder = Recorder()
        var most = 0
        var fed = 0
        var error: WebSocketError?
        let bytes = frame(0xC2, bomb)
        bytes.withUnsafeBytes { all in
            for start in stride(from: 0, to: all.count, by: 512) where error == nil {
                fed = start + 512
                let part = UnsafeRawBufferPointer(rebasing: all[start..<min(fed, all.count)])
                do throws(WebSocketError) {
                    try decoder.decode(part, into: &recorder)
                } catch let thrown {
                    error = thrown
                }
                most = max(most, decoder.heldCapacity)
            }
        }
        #expect(error?.kind == .messageTooBig)
        #expect(error?.closeCode == 1009)
        #expect(recorder.events.isEmpty)
        #expect(most <= 8 << 20)
        #expect(fed < 8192)
        let left = decoder.heldCapacity
        #expect(left == 0)
        #expect(decode(bytes, limit: 3 << 20, deflate: Self.plain) == Outcome(events: [], error: error))
    }

    @Test func `a limit in inflated bytes is exact`() {
        let message = [UInt8](repeating: 0x61, count: 5000)
        var encoder = WebSocketEncoder(role: .server, deflate: Self.plain)
        let bytes = encoded(.text, message, by: &encoder)
        for pieces in [1, 3, Int.max] {
            #expect(decode(bytes, limit: 5000, deflate: Self.plain, pieces: pieces).events == [.text(message)])
            let refused = decode(bytes, limit: 4999, deflate: Self.plain, pieces: pieces)
            #expect(refused.error?.kind == .messageTooBig)
            #expect(refused == decode(bytes, limit: 4999, deflate: Self.plain))
        }
    }

    @Test func `a compressed message that never grows ends all the same`() {
        let empty = frame(0x00, [UInt8](repeating: 0, count: 20).flatMap { _ -> [UInt8] in [0, 0, 0, 0xFF, 0xFF] })
        let bytes = frame(0x42) + [Int](0..<40).flatMap { _ in empty }
        let outcome = decode(bytes, limit: 100, deflate: Self.plain)
        #expect(outcome.error?.kind == .messageTooBig)
        #expect(outcome == decode(bytes, limit: 100, deflate: Self.plain, pieces: 1))
    }

    @Test func `what does not shrink comes back too`() {
        var random = SeededGenerator(seed: 21)
        let message = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for bits in [8, 9, 15] {
            let agreement = DeflateAgreement(clientMaxWindowBits: bits)
            var encoder = WebSocketEncoder(role: .client, deflate: agreement)
            let bytes = encoded(.binary, message, by: &encoder)
            #expect(decode(bytes, role: .server, limit: 100_000, deflate: agreement).events == [.binary(message)])
        }
    }
}
