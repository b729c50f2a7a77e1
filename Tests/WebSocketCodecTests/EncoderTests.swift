import Testing
import WebSocketCodec

/// What we send (RFC 6455, sections 5.2 to 5.5), compared with frames made by hand.
@Suite struct EncoderTests {
    @Test(arguments: [0, 1, 125, 126, 65535, 65536])
    func `lengths are minimal, masks are applied by the client alone`(_ size: Int) {
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var server = WebSocketEncoder(role: .server, deflate: nil)
        var client = WebSocketEncoder(role: .client, deflate: nil)
        #expect(encoded(.binary, payload, by: &server, maskingKey: 0xFFFF_FFFF) == frame(0x82, payload))
        #expect(
            encoded(.text, payload, by: &client, maskingKey: 0x0102_03F4) == frame(0x81, payload, mask: 0x0102_03F4))
    }

    @Test func `what is encoded is appended`() {
        var encoder = WebSocketEncoder(role: .server, deflate: nil)
        var output: [UInt8] = [9, 9]
        let payload: [UInt8] = [1, 2]
        payload.withUnsafeBytes {
            encoder.ping($0, maskingKey: 0, into: &output)
            encoder.pong($0, maskingKey: 0, into: &output)
        }
        encoder.close(code: 1000, reason: "ok", maskingKey: 0, into: &output)
        encoder.close(code: 1005, maskingKey: 0, into: &output)
        #expect(
            output == [9, 9] + frame(0x89, payload) + frame(0x8A, payload) + frame(0x88, [3, 232, 111, 107])
                + frame(0x88))
    }

    @Test func `control frames never exceed 125 bytes (5_5)`() {
        var encoder = WebSocketEncoder(role: .client, deflate: nil)
        var output: [UInt8] = []
        let payload = [UInt8](repeating: 5, count: 200)
        payload.withUnsafeBytes { encoder.ping($0, maskingKey: 77, into: &output) }
        #expect(output == frame(0x89, Array(payload[..<125]), mask: 77))
    }

    @Test func `fragments have a first, a middle and a last, each with a key of its own (5_4)`() {
        var encoder = WebSocketEncoder(role: .client, deflate: nil)
        var output: [UInt8] = []
        var key: UInt32 = 10
        Array("abcde".utf8).withUnsafeBytes {
            encoder.encode(
                .text, $0, fragmentSize: 2,
                maskingKeys: {
                    key += 1
                    return key
                }, into: &output)
        }
        #expect(output == frame(0x01, "ab", mask: 11) + frame(0x00, "cd", mask: 12) + frame(0x80, "e", mask: 13))
    }

    @Test func `RSV1 marks the first fragment of a compressed message alone (RFC 7692, 6_1)`() {
        var encoder = WebSocketEncoder(role: .server, deflate: DeflateAgreement())
        var output: [UInt8] = []
        Array("Hello".utf8).withUnsafeBytes {
            encoder.encode(.text, $0, fragmentSize: 4, maskingKeys: { 0 }, into: &output)
        }
        #expect(output == frame(0x41, [0xF2, 0x48, 0xCD, 0xC9]) + frame(0x80, [0xC9, 0x07, 0x00]))
        #expect(encoded(.text, [0x61], by: &encoder, compressed: false) == frame(0x81, "a"))
        #expect(encoded(.text, [], by: &encoder) == frame(0xC1, [0x00]))
    }
}
