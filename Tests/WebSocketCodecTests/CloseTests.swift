import Testing
import WebSocketCodec

/// RFC 6455, sections 5.5.1 and 7.4.
@Suite struct CloseTests {
    static func close(_ code: Int, _ reason: String = "") -> [UInt8] {
        frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }

    @Test(arguments: [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
    ])
    func `a defined code is handed on`(_ code: Int) {
        #expect(decode(Self.close(code, "é")).events == [.close(UInt16(code), "é")])
    }

    @Test(arguments: [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
    func `a code that must not be sent is refused`(_ code: Int) {
        #expect(decode(Self.close(code)).error?.kind == .invalidCloseCode)
        var encoder = WebSocketEncoder(role: .server, deflate: nil)
        var output: [UInt8] = []
        encoder.close(code: UInt16(code), reason: "lost", maskingKey: 0, into: &output)
        #expect(output == [0x88, 0])
    }

    @Test func `a close without a code is 1005 (7.1.5)`() {
        #expect(decode(frame(0x88)).events == [.close(1005, "")])
    }

    @Test func `the longest reason fits`() {
        let reason = String(repeating: "r", count: 123)
        #expect(decode(Self.close(1000, reason)).events == [.close(1000, reason)])
    }

    @Test func `our own reason is cut at a character`() {
        var encoder = WebSocketEncoder(role: .client, deflate: nil)
        var output: [UInt8] = []
        encoder.close(
            code: 1000, reason: String(repeating: "€", count: 60), maskingKey: 0xA5A5_0001, into: &output)
        #expect(decode(output, role: .server).events == [.close(1000, String(repeating: "€", count: 41))])
    }

    @Test func `1010 is for clients (7.4.1)`() {
        #expect(CloseCode.isSendable(1010, by: .client))
        #expect(!CloseCode.isSendable(1010, by: .server))
        #expect(CloseCode.isReceivable(1010))
    }
}
