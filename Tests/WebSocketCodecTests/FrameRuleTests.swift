import Testing
import WebSocketCodec

/// The rules of RFC 6455, section 5, each broken once. Every case is fed whole and byte by byte: the answer must be the
/// same.
@Suite struct FrameRuleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var kind: WebSocketError.Kind
        var role = WebSocketRole.client
        var before: [Received] = []

        init(
            _ name: String, _ bytes: [UInt8], _ kind: WebSocketError.Kind, role: WebSocketRole = .client,
            before: [Received] = []
        ) {
            (testDescription, self.bytes, self.kind, self.role, self.before) = (name, bytes, kind, role, before)
        }
    }

    static let broken: [Case] =
        [UInt8(0x90), 0xA0, 0xC0, 0xB0, 0xD0, 0xE0, 0xF0].map {
            Case("5.2: reserved bits \($0) with nothing agreed", frame($0 | 1, "x"), .reservedBits)
        }
        + [UInt8(3), 4, 5, 6, 7, 11, 12, 13, 14, 15].map {
            Case("5.2: opcode \($0)", frame(0x80 | $0), .reservedOpcode)
        }
        + [UInt8(8), 9, 10].flatMap {
            [
                Case("5.5: control \($0) without FIN", frame($0), .fragmentedControlFrame),
                Case("5.5: control \($0) with a 16-bit length", [0x80 | $0, 126], .controlFrameTooLong),
                Case("5.5: control \($0) with a 64-bit length", [0x80 | $0, 127], .controlFrameTooLong),
                Case("5.2: control \($0) with RSV1", frame(0xC0 | $0), .reservedBits),
            ]
        }
        + [
            Case("5.1: masked frame of the server", frame(0x81, "x", mask: 1), .maskedServerFrame),
            Case("5.1: masked ping of the server", frame(0x89, mask: 1), .maskedServerFrame),
            Case("5.1: unmasked frame of the client", frame(0x81, "x"), .unmaskedClientFrame, role: .server),
            Case("5.1: unmasked close of the client", frame(0x88), .unmaskedClientFrame, role: .server),
            Case("5.2: 125 in 16 bits", frame(0x81, length: [126, 0, 125]), .lengthNotMinimal),
            Case("5.2: 0 in 16 bits", frame(0x82, length: [126, 0, 0]), .lengthNotMinimal),
            Case("5.2: 65535 in 64 bits", frame(0x82, length: [127, 0, 0, 0, 0, 0, 0, 255, 255]), .lengthNotMinimal),
            Case("5.2: 5 in 64 bits", frame(0x82, length: [127, 0, 0, 0, 0, 0, 0, 0, 5]), .lengthNotMinimal),
            Case("5.2: highest bit of the length", frame(0x82, length: [127, 0x80]), .lengthOutOfRange),
            Case("5.4: continuation of nothing", frame(0x80, "x"), .unexpectedContinuation),
            Case("5.4: unfinished continuation of nothing", frame(0x00, "x"), .unexpectedContinuation),
            Case(
                "5.4: continuation after a whole message", frame(0x81, "x") + frame(0x80, "y"),
                .unexpectedContinuation, before: [.text("x")]),
            Case("5.4: text in a fragmented text", frame(0x01, "x") + frame(0x81, "y"), .expectedContinuation),
            Case("5.4: binary in a fragmented text", frame(0x01, "x") + frame(0x02, "y"), .expectedContinuation),
            Case(
                "5.4: text after fragment and ping", frame(0x02, "x") + frame(0x89, "p") + frame(0x81, "y"),
                .expectedContinuation, before: [.ping(Array("p".utf8))]),
            Case("5.5.1: close with one byte", frame(0x88, [3]), .closePayloadTooShort),
            Case("5.5.1: reason that is not UTF-8", frame(0x88, [3, 232, 0xC3, 0x28]), .invalidCloseReason),
            Case("5.5.1: reason that ends in a character", frame(0x88, [3, 232, 0xE2, 0x82]), .invalidCloseReason),
        ]

    @Test(arguments: broken)
    func `a broken rule is told as such and ends the conversation`(_ broken: Case) {
        let whole = decode(broken.bytes + frame(0x81, "after"), role: broken.role)
        #expect(whole.error?.kind == broken.kind)
        #expect(whole.events == broken.before)
        for pieces in 1...3 {
            #expect(decode(broken.bytes, role: broken.role, pieces: pieces) == whole)
        }
    }

    @Test func `each rule tells its close code`() {
        for kind in WebSocketError.Kind.allCases {
            let expected: UInt16 =
                switch kind {
                case .invalidText, .invalidCloseReason, .invalidCompressedData: 1007
                case .messageTooBig: 1009
                default: 1002
                }
            #expect(WebSocketError(kind: kind, description: "").closeCode == expected)
        }
    }

    @Test func `a rule is applied with the byte that breaks it`() {
        #expect(decode([0x83]).error?.kind == .reservedOpcode)
        #expect(decode([0x81, 0x80]).error?.kind == .maskedServerFrame)
        #expect(decode([0x81, 127, 0x80]).error?.kind == .lengthOutOfRange)
        #expect(decode([0x89, 126]).error?.kind == .controlFrameTooLong)
    }

    @Test(arguments: [0, 1, 125, 126, 127, 200, 65535, 65536, 70000])
    func `every length is read, whole and in parts, masked and not (5.2)`(_ size: Int) {
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let expected = Outcome(events: [.binary(payload)], error: nil)
        for pieces in [Int.max, 1021, 7] {
            #expect(decode(frame(0x82, payload), pieces: pieces) == expected)
            #expect(decode(frame(0x82, payload, mask: 0xDEAD_BEEF), role: .server, pieces: pieces) == expected)
        }
    }

    @Test func `the examples of 5_7 are read`() {
        let hello = Outcome(events: [.text("Hello")], error: nil)
        #expect(decode([0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]) == hello)
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(decode(masked, role: .server) == hello)
        #expect(decode([0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]) == hello)
        #expect(decode([0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]).events == [.ping(Array("Hello".utf8))])
    }

    @Test func `control frames come between fragments, and at once (5.4, 5.5)`() {
        let bytes =
            frame(0x01, "one ") + frame(0x89, "a") + frame(0x00, "two ") + frame(0x8A, "b") + frame(0x89)
            + frame(0x80, "three")
        let expected = Outcome(
            events: [.ping([97]), .pong([98]), .ping([]), .text("one two three")], error: nil)
        for pieces in 1...bytes.count {
            #expect(decode(bytes, pieces: pieces) == expected)
        }
    }

    @Test func `empty fragments are fragments (5.4)`() {
        #expect(decode(frame(0x02) + frame(0x00) + frame(0x80)).events == [.binary([])])
        #expect(decode(frame(0x01) + frame(0x00, "x") + frame(0x80)).events == [.text("x")])
    }

    @Test func `after a close frame nothing is read any more (5.5.1)`() {
        let bytes = frame(0x88, [3, 233]) + frame(0x81, "late") + [0xFF, 0xFF]
        for pieces in 1...bytes.count {
            #expect(decode(bytes, pieces: pieces) == Outcome(events: [.close(1001, "")], error: nil))
        }
    }

    @Test func `after an error nothing is read any more`() throws {
        var decoder = WebSocketDecoder(role: .client, maxMessageSize: 100, deflate: nil)
        var recorder = Recorder()
        let before = decoder.isFinished
        do throws(WebSocketError) {
            try decode(frame(0x83), by: &decoder, into: &recorder)
            Issue.record("a reserved opcode passed")
        } catch {
            #expect(error.kind == .reservedOpcode)
        }
        let after = decoder.isFinished
        #expect(!before && after)
        try decode(frame(0x81, "late"), by: &decoder, into: &recorder)
        #expect(recorder.events.isEmpty)
    }
}
