import Testing
import WebSocketCodec

/// UTF-8 as it arrives (RFC 6455, section 8.1; RFC 3629, section 4).
@Suite struct TextTests {
    static let valid: [[UInt8]] = [
        [], Array("plain".utf8), Array("Hello-µ@ßöäüàá-UTF-8!!".utf8), Array("κόσμε".utf8), Array("日本語 🎉".utf8),
        [0x00], [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
        [0xEF, 0xBF, 0xBF], [0xEF, 0xBF, 0xBD], [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
        [0xF3, 0xBF, 0xBF, 0xBE],
    ]
    /// Bad text, and the index of the byte with which it can no longer be UTF-8.
    static let invalid: [(text: [UInt8], bad: Int)] = [
        ([0x80], 0), ([0xBF], 0), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xF5, 0x80], 0), ([0xFE], 0), ([0xFF], 0),
        ([0xE0, 0x80, 0x80], 1), ([0xE0, 0x9F, 0xBF], 1), ([0xED, 0xA0, 0x80], 1), ([0xED, 0xBF, 0xBF], 1),
        ([0xF0, 0x80, 0x80, 0x80], 1), ([0xF0, 0x8F, 0xBF, 0xBF], 1), ([0xF4, 0x90, 0x80, 0x80], 1),
        ([0xF8, 0x88], 0), ([0xC3, 0x28], 1), ([0xE2, 0x28, 0xA1], 1), ([0xE2, 0x82, 0x28], 2),
        ([0xF0, 0x90, 0x28, 0xBC], 2), ([0xF0, 0x90, 0x80, 0xFF], 3), ([0xC3, 0xC3], 1), ([0x61, 0xC3, 0xA9, 0xA9], 3),
        (Array("κόσμε".utf8) + [0xED, 0xA0, 0x80] + Array("edited".utf8), 11),
        (Array(repeating: 0x61, count: 40) + [0xFF], 40), (Array(repeating: 0x61, count: 16) + [0x80], 16),
    ]

    /// The same text at several places, so that the sixteen bytes at a time meet it at each of their positions.
    @Test func `valid text passes at every position and division`() {
        for text in Self.valid {
            for lead in 0...17 {
                let padded = [UInt8](repeating: 0x61, count: lead) + text + [0x7A]
                #expect(decode(frame(0x81, padded)) == Outcome(events: [.text(padded)], error: nil))
            }
            let bytes = frame(0x81, text)
            for pieces in 1..<4 {
                #expect(decode(bytes, pieces: pieces).events == [.text(text)])
            }
        }
    }

    @Test func `invalid text fails at its byte, before the frame is over`() {
        for (text, bad) in Self.invalid {
            let whole = decode(frame(0x81, text))
            #expect(whole.error?.kind == .invalidText, "\(text)")
            #expect(whole.error?.description == "a text message is not UTF-8 at byte \(bad)")
            let padded = text + [UInt8](repeating: 0x61, count: 100 - text.count)
            let early = decode(frame(0x81, padded), pieces: 1)
            #expect(early.error == whole.error)
            #expect(early.fed == 2 + bad + 1)
        }
    }

    @Test func `a single bad byte is found wherever it stands`() {
        for length in [16, 31, 48] {
            for place in 0..<length {
                var text = [UInt8](repeating: 0x61, count: length)
                text[place] = 0x80
                let description = "a text message is not UTF-8 at byte \(place)"
                #expect(decode(frame(0x81, text)).error?.description == description)
            }
        }
    }

    @Test func `it fails across fragments, before the message is over`() {
        for (text, bad) in Self.invalid {
            let bytes = text.enumerated().flatMap { index, byte in frame(index == 0 ? 0x01 : 0x00, [byte]) }
            let outcome = decode(bytes)
            #expect(outcome.error?.kind == .invalidText)
            let early = decode(bytes, pieces: 1)
            #expect(early.error == outcome.error)
            #expect(early.fed == 3 * (bad + 1))
        }
    }

    @Test func `a character that never ends fails with the message`() {
        for text in Self.valid.filter({ ($0.last ?? 0) >= 0x80 }) {
            let cut = Array(text.dropLast())
            for bytes in [frame(0x81, cut), frame(0x01, cut) + frame(0x80), frame(0x01) + frame(0x80, cut)] {
                let whole = decode(bytes)
                #expect(whole.error?.kind == .invalidText)
                #expect(decode(bytes, pieces: 1) == whole)
            }
        }
    }

    @Test func `a character may be split between fragments, with a ping inside`() {
        let bytes = frame(0x01, [0xF0, 0x9F]) + frame(0x89) + frame(0x00, [0x8E]) + frame(0x80, [0x89])
        #expect(decode(bytes).events == [.ping([]), .text("🎉")])
    }

    @Test func `binary may be anything`() {
        #expect(decode(frame(0x82, [0xFF, 0xC0])).events == [.binary([0xFF, 0xC0])])
    }

    /// Judged by another implementation: the standard library's.
    @Test func `random bytes are judged as the standard library does`() {
        var random = SeededGenerator(seed: 11)
        let pieces: [[UInt8]] = Self.valid + Self.invalid.map(\.text)
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 1...4, using: &random)).flatMap { _ -> [UInt8] in
                pieces.randomElement(using: &random) ?? []
            }.prefix(125)
            let isValid = String(validating: text, as: UTF8.self) != nil
            #expect((decode(frame(0x81, Array(text))).error == nil) == isValid)
        }
    }
}
