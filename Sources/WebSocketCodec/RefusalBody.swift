// The unsafe pointer is to the input, valid during the call; every part that is taken is at most what is left of it.

/// Keeps the beginning of a refusal's body (RFC 9112, sections 6 and 7.1).
///
/// A body that is framed badly ends there: the status before it is worth more than an error about what follows.
struct RefusalBody: Sendable {
    /// Bytes of a body that are kept. No more is waited for.
    static let mostBytes = 4096

    private enum Framing: Sendable {
        case untilClose
        /// So many bytes are missing.
        case length(Int)
        case chunkSize(digits: [UInt8])
        /// A chunk's extension or the rest of its size line, up to its line feed.
        case chunkLineEnd(size: Int)
        case chunk(Int)
        case chunkEnd
        case complete
    }

    private(set) var bytes: [UInt8] = []
    private var framing: Framing
    /// Bytes of size lines, which could otherwise go on for ever.
    private var overhead = 0

    init(_ head: ResponseHead) {
        let encodings = head.values("transfer-encoding").flatMap(HeaderSyntax.list)
        let lengths = Set(head.values("content-length").flatMap(HeaderSyntax.list))
        if head.status == 204 || head.status == 304 {
            framing = .complete
        } else if !encodings.isEmpty {
            framing = encodings == ["chunked"] ? .chunkSize(digits: []) : .untilClose
        } else if let length = lengths.first {
            let isNumber = lengths.count == 1 && length.utf8.allSatisfy { (0x30...0x39).contains($0) }
            // A length beyond Int is far beyond what is kept.
            framing = isNumber ? .length(Int(length) ?? Self.mostBytes) : .complete
        } else {
            framing = .untilClose
        }
        if case .length(0) = framing { framing = .complete }
    }

    /// Whether there is nothing left to wait for.
    var isComplete: Bool {
        if case .complete = framing { true } else { bytes.count >= Self.mostBytes }
    }

    /// Takes what follows.
    mutating func take(_ input: UnsafeRawBufferPointer) {
        var index = 0
        while index < input.count, !isComplete {
            let available = min(input.count - index, Self.mostBytes - bytes.count)
            switch framing {
            case .untilClose:
                bytes.append(contentsOf: input[index..<(index + available)])
                index += available
            case .length(let missing):
                let count = min(missing, available)
                bytes.append(contentsOf: input[index..<(index + count)])
                index += count
                framing = count == missing ? .complete : .length(missing - count)
            case .chunk(let missing):
                let count = min(missing, available)
                bytes.append(contentsOf: input[index..<(index + count)])
                index += count
                framing = count == missing ? .chunkEnd : .chunk(missing - count)
            case .chunkSize, .chunkLineEnd, .chunkEnd:
                takeFraming(input[index])
                index += 1
            case .complete:
                return
            }
        }
    }

    private mutating func takeFraming(_ byte: UInt8) {
        overhead += 1
        guard overhead <= Self.mostBytes else { return framing = .complete }
        switch framing {
        case .chunkSize(let digits):
            if byte == UInt8(ascii: "\r") || byte == UInt8(ascii: ";") || HeaderSyntax.isSpace(byte) {
                let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
                framing = size.map { .chunkLineEnd(size: $0) } ?? .complete
            } else if Unicode.Scalar(byte).properties.isASCIIHexDigit, digits.count < 8 {
                framing = .chunkSize(digits: digits + [byte])
            } else {
                framing = .complete
            }
        case .chunkLineEnd(let size):
            // The trailer after the last chunk is of no interest.
            if byte == UInt8(ascii: "\n") { framing = size == 0 ? .complete : .chunk(size) }
        case .chunkEnd:
            if byte == UInt8(ascii: "\n") {
                framing = .chunkSize(digits: [])
            } else if byte != UInt8(ascii: "\r") {
                framing = .complete
            }
        case .untilClose, .length, .chunk, .complete:
            break
        }
    }
}
