/// Bytes that are put together: the fragments of a message, a control frame that came in parts, inflated output.
///
/// Raw memory of its own rather than an array, because zlib writes into the free space and the bytes are handed on as
/// a pointer. It grows with what has arrived, never with what was announced.
struct MessageBuffer: ~Copyable, @unchecked Sendable {
    // Unchecked: the memory has this one owner, which can't be copied.
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var count = 0

    /// Memory that is kept from one message to the next. Above it, a rare large message would cost every idle
    /// connection for ever.
    static let keptCapacity = 64 * 1024

    init() {}

    deinit { memory.deallocate() }

    var capacity: Int { memory.count }

    /// What was put in; valid until the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Room for more, at least as much as was reserved; `commit` says how much of it was used.
    var free: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[count...]) }

    /// Makes sure of room for so many more bytes; doubles, so that appending stays linear.
    mutating func reserve(_ more: Int) {
        guard memory.count - count < more else { return }
        let size = max(count + more, memory.count * 2, 256)
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        larger.copyMemory(from: bytes)
        memory.deallocate()
        memory = larger
    }

    /// Counts bytes that were written into `free`.
    mutating func commit(_ written: Int) {
        count += min(written, memory.count - count)
    }

    /// Takes away bytes at the end.
    mutating func removeLast(_ less: Int) {
        count -= min(less, count)
    }

    /// Appends a copy.
    mutating func append(_ more: UnsafeRawBufferPointer) {
        reserve(more.count)
        free.copyMemory(from: more)
        count += more.count
    }

    /// Appends the bytes of a masked frame, unmasked; `position` is theirs in the frame.
    mutating func append(_ more: UnsafeRawBufferPointer, unmaskedWith mask: FrameMask, at position: Int) {
        append(more)
        mask.apply(to: UnsafeMutableRawBufferPointer(rebasing: memory[(count - more.count)..<count]), at: position)
    }

    /// Empties it; a large piece of memory is given back.
    mutating func clear() {
        count = 0
        if memory.count > Self.keptCapacity { release() }
    }

    /// Empties it and gives all memory back.
    mutating func release() {
        memory.deallocate()
        memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        count = 0
    }
}
