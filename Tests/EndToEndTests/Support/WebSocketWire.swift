import Foundation

/// The server's side of RFC 6455, as little of it as the tests need, written from the standard.
enum WebSocketWire {
    /// Section 4.2.2: the answer to a key.
    static func acceptance(of key: String) -> String {
        Data(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
    }

    /// Section 5.2: an unmasked frame that is whole.
    static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x80 | opcode]
        switch payload.count {
        case 0..<126: bytes.append(UInt8(payload.count))
        case 126..<65_536: bytes += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: bytes += [127] + (0..<8).reversed().map { UInt8(payload.count >> ($0 * 8) & 0xFF) }
        }
        return bytes + payload
    }

    static func closePayload(_ code: UInt16, _ reason: String) -> [UInt8] {
        [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8)
    }

    /// FIPS 180-4, section 6.1.
    static func sha1(_ message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        var bytes = message + [0x80]
        while bytes.count % 64 != 56 { bytes.append(0) }
        bytes += (0..<8).reversed().map { UInt8((message.count * 8) >> ($0 * 8) & 0xFF) }
        for start in stride(from: 0, to: bytes.count, by: 64) { round(bytes[start..<start + 64], &state) }
        return state.flatMap { word in [24, 16, 8, 0].map { UInt8(word >> $0 & 0xFF) } }
    }

    private static func round(_ block: ArraySlice<UInt8>, _ state: inout [UInt32]) {
        func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
        var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { index in
            block[index..<index + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        for index in 16..<80 {
            words.append(rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for index in 0..<80 {
            let (mix, constant): (UInt32, UInt32) =
                switch index {
                case 0..<20: (b & c | ~b & d, 0x5A82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case 40..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = rotate(a, 5) &+ mix &+ e &+ constant &+ words[index]
            (e, d, c, b, a) = (d, c, rotate(b, 30), a, next)
        }
        for (index, word) in [a, b, c, d, e].enumerated() { state[index] = state[index] &+ word }
    }
}

/// A frame that the client sent.
struct ClientFrame {
    var opcode: UInt8
    var payload: [UInt8]
    var text: String { String(decoding: payload, as: UTF8.self) }
    var closeCode: UInt16? {
        opcode == 8 && payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : nil
    }
}

/// A client's connection after the 101.
final class Peer {
    let socket: Socket
    init(_ socket: Socket) { self.socket = socket }

    /// The next frame; a client's are masked (section 5.1).
    func frame() throws -> ClientFrame {
        let head = try socket.read(2)
        guard head[0] & 0x70 == 0, head[1] & 0x80 != 0 else { throw Trouble("bad frame from the client: \(head)") }
        var length = Int(head[1] & 0x7F)
        if length >= 126 { length = try socket.read(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) } }
        let mask = try socket.read(4)
        let payload = try socket.read(length).enumerated().map { $1 ^ mask[$0 % 4] }
        return ClientFrame(opcode: head[0] & 0x0F, payload: payload)
    }

    /// The next text message; pings on the way are answered.
    func text() throws -> String {
        while true {
            let frame = try frame()
            switch frame.opcode {
            case 1: return frame.text
            case 9: try send(WebSocketWire.frame(10, frame.payload))
            default: throw Trouble("a text was expected, not a frame of opcode \(frame.opcode)")
            }
        }
    }

    func send(_ bytes: [UInt8]) throws { try socket.write(bytes) }

    /// Sends all of `texts` in one piece.
    func send(_ texts: String...) throws { try send(texts) }

    func send(_ texts: [String]) throws {
        try send(texts.flatMap { WebSocketWire.frame(1, Array($0.utf8)) })
    }

    func event(_ numbers: Int...) throws { try send(numbers.map(Self.event)) }

    static func event(_ number: Int) -> String {
        #"{"type":"event","sequence":\#(number),"topic":"queueEvents","data":{"sequence":7,"waiting":3}}"#
    }

    /// The closing handshake, begun by the server.
    func close(_ code: UInt16, _ reason: String = "") throws {
        try send(WebSocketWire.frame(8, WebSocketWire.closePayload(code, reason)))
        while true {
            let frame = try frame()
            if frame.opcode == 8 { break }
        }
        socket.close()
    }

    /// Waits for the client's close frame, answers it, and gives its code.
    func awaitClose() throws -> UInt16? {
        while true {
            let frame = try frame()
            guard frame.opcode == 8 else { continue }
            try send(WebSocketWire.frame(8, frame.payload))
            socket.close()
            return frame.closeCode
        }
    }
}
