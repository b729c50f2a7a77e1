// The unsafe pointers are to the message at hand, valid during the call; no block is read that does not lie in it whole.

/// How an earlier message began, and what had been found in it up to a place that others may share.
struct MessageMemory {
    typealias Beginning = InlineArray<8, SIMD2<UInt64>>

    /// How far a common beginning reaches at most, in bytes.
    static let most = MemoryLayout<Beginning>.size

    private var beginning = Beginning(repeating: .zero)
    private var count = 0
    /// Where a value begins up to which nothing needs to be read again; what a scanner knew there depends on no byte
    /// behind. None: farther than any message reaches.
    private(set) var place = Int.max
    private(set) var target = -1
    private(set) var findings = MessageScanner.Findings()
    private(set) var levels = InlineArray<4, MessageScanner.Level>(repeating: .init(node: 0, nextIndex: -1))

    /// How many bytes at the beginning of `message` are known, at least. Where none can be made use of, `message` is what
    /// later ones are compared with.
    @inline(__always)
    mutating func meet(_ message: JSONSpan) -> Int {
        let common = common(with: message)
        if common < place { take(message) }
        return common
    }

    /// Whole blocks only: of a message's last bytes little could be made use of.
    @inline(__always)
    private func common(with message: JSONSpan) -> Int {
        let blocks = min(count, message.end - message.start) >> 4
        var index = 0
        // Four at once, since mostly all of them are the same.
        while index &+ 4 <= blocks {
            let different =
                (difference(index, message) | difference(index &+ 1, message))
                | (difference(index &+ 2, message) | difference(index &+ 3, message))
            guard different[0] | different[1] == 0 else { break }
            index &+= 4
        }
        while index < blocks {
            let different = difference(index, message)
            let first = UInt64(littleEndian: different[0])
            if first != 0 { return index << 4 + first.trailingZeroBitCount >> 3 }
            let second = UInt64(littleEndian: different[1])
            if second != 0 { return index << 4 + 8 + second.trailingZeroBitCount >> 3 }
            index &+= 1
        }
        return index << 4
    }

    @inline(__always)
    private func difference(_ index: Int, _ message: JSONSpan) -> SIMD2<UInt64> {
        beginning[index] ^ UnsafeRawPointer(message.start + index << 4).loadUnaligned(as: SIMD2<UInt64>.self)
    }

    private mutating func take(_ message: JSONSpan) {
        place = .max
        count = min(message.end - message.start, Self.most)
        withUnsafeMutableBytes(of: &beginning) { beginning in
            beginning.copyMemory(from: message.part(message.start, message.start + count))
        }
    }

    /// Remembers what is known where the value at `place` begins. Where it is wanted too deep for that, an earlier place
    /// does as well.
    mutating func note(
        _ place: Int, _ target: Int, _ findings: MessageScanner.Findings,
        _ levels: UnsafeMutableBufferPointer<MessageScanner.Level>
    ) {
        guard findings.depth <= self.levels.count else { return }
        for index in 0..<findings.depth { self.levels[index] = levels[index] }
        self.place = place
        self.target = target
        self.findings = findings
    }
}
