// Unsafe pointers are what `crypt_r` works with: its state is allocated, wiped and freed here, and the password ends
// with a zero.

internal import CCrypt
internal import Glibc

/// A bcrypt hash in the modular form `$2y$10$…`.
struct BcryptHash: Sendable, Equatable {
    let text: String
    /// The logarithm of the number of rounds, 4 to 31.
    let cost: Int

    /// Nil if the text is no bcrypt hash.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 60, bytes[0] == UInt8(ascii: "$"), bytes[1] == UInt8(ascii: "2"),
            "abxy".utf8.contains(bytes[2]), bytes[3] == UInt8(ascii: "$"), bytes[6] == UInt8(ascii: "$"),
            let cost = Int(String(decoding: bytes[4..<6], as: UTF8.self)), (4...31).contains(cost),
            bytes[7...].allSatisfy(Self.isDigit)
        else { return nil }
        self.text = text
        self.cost = cost
    }

    /// A hash of nothing that anybody knows, which costs as much to verify as a real one.
    static func decoy(cost: Int) -> Self? {
        Self("$2y$\(cost < 10 ? "0" : "")\(cost)$aDcpx18sS6CxUT7U9pDduubW4e1sf2wSa/fzM1L6IyFcNtJF5OJYK")
    }

    /// Computes; takes as long as `cost` says (about 70 ms for 10).
    func verifies(_ password: [UInt8]) -> Bool {
        // A C string ends at its first NUL: “secret\0anything” must not pass as “secret”.
        guard !password.contains(0) else { return false }
        let data = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
        memset(data, 0, MemoryLayout<crypt_data>.size)
        defer {
            explicit_bzero(data, MemoryLayout<crypt_data>.size)
            data.deallocate()
        }
        var computed: [UInt8] = []
        (password + [0]).withUnsafeBufferPointer { password in
            password.withMemoryRebound(to: CChar.self) { password in
                guard let phrase = password.baseAddress, let result = crypt_r(phrase, text, data) else { return }
                computed = Array(String(cString: result).utf8)
            }
        }
        return ConstantTime.equal(computed, Array(text.utf8))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// Comparisons whose duration tells nothing of where texts differ.
enum ConstantTime {
    static func equal(_ lhs: [UInt8], _ rhs: [UInt8]) -> Bool {
        guard lhs.count == rhs.count else { return false }
        return zip(lhs, rhs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
