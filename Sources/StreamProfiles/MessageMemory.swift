// Unsafe pointers are to the message at hand, valid during the call, of which no block is read that does not lie in it whole;
// and to memory of its own, since an array inside of a value is copied each time that something is looked up in it.

/// How an earlier message began, and what had been found in it up to a place that others may share.
struct MessageMemory {
    private typealias Block = SIMD2<UInt64>

    /// How far a common beginning reaches at most, in blocks of sixteen bytes.
    private static let blocks = 8
    /// How deep a place lies at most that is remembered.
    private static let depth = 4

    private let beginning = UnsafeMutablePointer<Block>.allocate(capacity: blocks)
    /// Blocks of `beginning` that are known; 0 before the first message.
    private var count = 0
    /// Where a value begins up to which nothing needs to be read again; what a scanner knew there depends on no byte
    /// behind. None: farther than any message reaches.
    private(set) var place = Int.max
    private(set) var target = -1
    private(set) var findings = MessageScanner.Findings()
    /// As many as the findings are deep.
    let levels = UnsafeMutablePointer<MessageScanner.Level>.allocate(capacity: depth)

    func deallocate() {
        beginning.deallocate()
        levels.deallocate()
    }

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
        let blocks = min(count, (message.end - message.start) >> 4)
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
    private func difference(_ index: Int, _ message: JSONSpan) -> Block {
        beginning[index] ^ UnsafeRawPointer(message.start + index << 4).loadUnaligned(as: Block.self)
    }

    private mutating func take(_ message: JSONSpan) {
        place = .max
        count = min((message.end - message.start) >> 4, Self.blocks)
        for index in 0..<count {
            beginning[index] = UnsafeRawPointer(message.start + index << 4).loadUnaligned(as: Block.self)
        }
    }

    /// Remembers what is known where the value at `place` begins. Where it is wanted too deep for that, an earlier place
    /// does as well.
    mutating func note(
        _ place: Int, _ target: Int, _ findings: MessageScanner.Findings,
        _ levels: UnsafeMutableBufferPointer<MessageScanner.Level>
    ) {
        guard findings.depth <= Self.depth else { return }
        for index in 0..<findings.depth { self.levels[index] = levels[index] }
        self.place = place
        self.target = target
        self.findings = findings
    }
}
