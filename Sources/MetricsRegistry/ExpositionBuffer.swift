internal import Glibc

/// The bytes of one scrape. Grows as needed, and keeps its memory when it is used again: at ten thousand streams fresh
/// pages would cost several times what writing them does.
///
/// One thread at a time encodes into a buffer; afterwards any number may read it.
public final class ExpositionBuffer: @unchecked Sendable {
    // Unchecked: whoever holds the buffer keeps the rule above; a lock here could not.

    private var memory: UnsafeMutableRawPointer?
    /// How many bytes there is room for.
    public private(set) var capacity = 0
    /// How many bytes there are.
    public private(set) var count = 0

    /// An empty buffer.
    public init() {}

    deinit {
        free(memory)
    }

    /// The bytes. Valid as long as the buffer lives and nothing is encoded into it.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory, count: count)
    }

    /// Forgets the bytes and keeps the memory.
    public func removeAll() {
        count = 0
    }

    /// Where the next bytes go; at least `size` of them have room there.
    @inline(__always)
    func reserve(_ size: Int) -> UnsafeMutableRawPointer {
        if let memory, capacity - count >= size { return memory + count }
        return grow(size)
    }

    /// The bytes now reach up to `end`.
    @inline(__always)
    func commit(_ end: UnsafeMutableRawPointer) {
        guard let memory else { return }
        count = end - memory
    }

    /// Appends a copy of `source`.
    public func append(_ source: UnsafeRawBufferPointer) {
        let target = reserve(source.count)
        guard let base = source.baseAddress else { return }
        target.copyMemory(from: base, byteCount: source.count)
        commit(target + source.count)
    }

    /// Appends a copy of `source`.
    public func append(_ source: [UInt8]) {
        source.withUnsafeBytes { append($0) }
    }

    /// Lets `write` fill at least `room` bytes in place; it returns how many it wrote.
    public func append(reserving room: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        let target = reserve(room)
        let written = write(UnsafeMutableRawBufferPointer(start: target, count: capacity - count))
        commit(target + max(0, min(written, capacity - count)))
    }

    @inline(never)
    private func grow(_ size: Int) -> UnsafeMutableRawPointer {
        let wanted = max(count + size, capacity * 2, 4096)
        // realloc and not allocate: it moves pages instead of bytes where the buffer is large.
        guard let larger = realloc(memory, wanted) else {
            fatalError("out of memory: \(wanted) bytes for a scrape")
        }
        memory = larger
        capacity = wanted
        return larger + count
    }
}
