// The unsafe access is to the bytes of a number, for the call alone.

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` as it stands in the request (RFC 6455, section 4.2.2).
public func acceptKey(for key: some Sequence<UInt8>) -> String {
    String(decoding: base64(sha1(Array(key) + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))), as: UTF8.self)
}

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` as it stands in the request (RFC 6455, section 4.2.2).
public func acceptKey(for key: String) -> String {
    acceptKey(for: key.utf8)
}

/// SHA-1 (FIPS 180-4, section 6.1.2).
///
/// Our own, because the handshake is its only use and there it protects nothing: a cryptography package or Foundation
/// for thirty lines would be the larger risk.
func sha1(_ message: [UInt8]) -> [UInt8] {
    var padded = message
    padded.append(0x80)
    padded.append(contentsOf: repeatElement(0, count: (120 - padded.count % 64) % 64))
    withUnsafeBytes(of: (UInt64(message.count) * 8).bigEndian) { padded.append(contentsOf: $0) }

    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var words = [UInt32](repeating: 0, count: 80)
    for block in stride(from: 0, to: padded.count, by: 64) {
        for index in 0..<16 {
            let at = block + 4 * index
            words[index] = padded[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        for index in 16..<80 {
            let mixed = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
            words[index] = mixed << 1 | mixed >> 31
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for (index, word) in words.enumerated() {
            let (mix, constant): (UInt32, UInt32) =
                switch index / 20 {
                case 0: (b & c | ~b & d, 0x5A82_7999)
                case 1: (b ^ c ^ d, 0x6ED9_EBA1)
                case 2: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = (a << 5 | a >> 27) &+ mix &+ e &+ constant &+ word
            (a, b, c, d, e) = (next, a, b << 30 | b >> 2, c, d)
        }
        for (index, value) in [a, b, c, d, e].enumerated() {
            state[index] = state[index] &+ value
        }
    }
    return state.flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
}

/// Base64 with padding (RFC 4648, section 4); our own for the same reason.
func base64(_ bytes: [UInt8]) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
        for position in 0..<4 {
            let character = alphabet[bits >> (18 - 6 * position) & 0x3F]
            text.append(position <= group.count ? character : UInt8(ascii: "="))
        }
    }
    return text
}
