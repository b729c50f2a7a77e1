import Testing

@testable import WebSocketCodec

/// RFC 6455, section 10.4: limits are the implementation's, and have to hold before memory is taken.
@Suite struct SizeLimitTests {
    @Test func `the limit itself passes, one more does not`() {
        #expect(decode(frame(0x82, [UInt8](repeating: 1, count: 300)), limit: 300).error == nil)
        #expect(decode(frame(0x82, [UInt8](repeating: 1, count: 301)), limit: 300).error?.kind == .messageTooBig)
        #expect(decode(frame(0x82, [1]), limit: 0).error?.kind == .messageTooBig)
        #expect(decode(frame(0x82), limit: 0).events == [.binary([])])
        #expect(decode(frame(0x82), limit: -1).events == [.binary([])])
        #expect(decode(frame(0x82, [1]), limit: .max).events == [.binary([1])])
    }

    @Test func `the announced length is enough, before a byte of payload`() {
        let header = frame(0x82, length: [127, 0x7F, 255, 255, 255, 255, 255, 255, 255])
        for pieces in [1, 100] {
            #expect(decode(header, limit: .max, pieces: pieces).error?.kind == .messageTooBig)
        }
        #expect(decode([0x82, 126, 1, 45], limit: 300).error?.kind == .messageTooBig)
        #expect(decode([0x82, 0x80 | 126, 1, 45], role: .server, limit: 300).error?.kind == .messageTooBig)
    }

    @Test func `fragments are counted together`() {
        let part = [UInt8](repeating: 1, count: 100)
        let three = frame(0x02, part) + frame(0x00, part)
        #expect(decode(three + frame(0x80, part), limit: 300).error == nil)
        #expect(decode(three + [0x80, 101], limit: 300).error?.kind == .messageTooBig)
        #expect(decode(three + frame(0x00, part) + [0x80, 0], limit: 300).error == nil)
    }

    @Test func `control frames are not counted`() {
        #expect(decode(frame(0x89, [UInt8](repeating: 1, count: 125)), limit: 10).error == nil)
    }

    @Test func `memory follows what has arrived, not what was announced`() throws {
        var decoder = WebSocketDecoder(role: .client, maxMessageSize: 1 << 40, deflate: nil)
        var recorder = Recorder()
        let header = frame(0x82, length: [127, 0, 0, 0, 16, 0, 0, 0, 0]) + [1, 2, 3]
        try decode(header, by: &decoder, into: &recorder)
        let held = decoder.heldCapacity
        #expect(held <= 4096)
    }

    @Test func `memory of a large message is given back`() throws {
        var decoder = WebSocketDecoder(role: .client, maxMessageSize: 1 << 20, deflate: nil)
        var recorder = Recorder()
        let large = frame(0x02, [UInt8](repeating: 1, count: 500_000))
        try decode(large, by: &decoder, into: &recorder)
        let before = decoder.heldCapacity
        #expect(before >= 500_000)
        try decode(frame(0x80), by: &decoder, into: &recorder)
        #expect(recorder.events.count == 1)
        let held = decoder.heldCapacity
        #expect(held <= 128 * 1024)
    }

    /// Takes the addresses of what is handed on.
    struct AddressKeeper: WebSocketReceiver {
        var addresses: [UnsafeRawPointer?] = []
        mutating func received(_ kind: MessageKind, _ payload: UnsafeRawBufferPointer) {
            addresses.append(payload.baseAddress)
        }
        mutating func receivedPing(_ payload: UnsafeRawBufferPointer) { addresses.append(payload.baseAddress) }
        mutating func receivedPong(_ payload: UnsafeRawBufferPointer) { addresses.append(payload.baseAddress) }
        mutating func receivedClose(code: UInt16, reason: String) {}
    }

    @Test func `whole frames are handed on where they lie, without memory of our own`() throws {
        var decoder = WebSocketDecoder(role: .client, maxMessageSize: 1 << 20, deflate: nil)
        var keeper = AddressKeeper()
        let long = [UInt8](repeating: 0x61, count: 70_000)
        let bytes = frame(0x81, "one") + frame(0x82, long) + frame(0x89, "two") + frame(0x81, Array(long[..<200]))
        try bytes.withUnsafeBytes { all in
            try decoder.decode(all, into: &keeper)
            let offsets = keeper.addresses.map { address in
                address.flatMap { found in all.baseAddress.map { found - $0 } }
            }
            #expect(offsets == [2, 15, 70_017, 70_024])
        }
        let held = decoder.heldCapacity
        #expect(held == 0)
    }
}
