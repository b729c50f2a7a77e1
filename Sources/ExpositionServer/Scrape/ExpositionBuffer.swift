internal import Glibc

/// Bytes in one place of memory: filled by one thread, then only read, then used again.
///
/// `[UInt8]` does not promise that its bytes stay where they are, and libmicrohttpd sends straight from this memory.
///
/// `@unchecked Sendable`: a buffer is filled before it is shared, and not changed until the last reader has let it go
/// (`BufferPool` sees to that).
public final class ExpositionBuffer: @unchecked Sendable {
    private var storage: UnsafeMutableRawBufferPointer

    /// Bytes in the buffer.
    public private(set) var count = 0

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int = 64 * 1024) {
        storage = .allocate(byteCount: max(capacity, 64), alignment: 16)
    }

    deinit { storage.deallocate() }

    /// Bytes that fit without another allocation.
    public var capacity: Int { storage.count }

    /// What is in the buffer; valid while the buffer lives and is not changed.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    /// Appends a copy of `bytes`.
    public func append(_ bytes: UnsafeRawBufferPointer) {
        append(reserving: bytes.count) { room in
            room.copyMemory(from: bytes)
            return bytes.count
        }
    }

    /// Appends a copy of `bytes`.
    public func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Lets `write` fill up to `room` bytes in place; it returns how many it wrote.
    public func append(reserving room: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(count + room)
        let written = write(UnsafeMutableRawBufferPointer(rebasing: storage[count...]))
        count += max(0, min(written, storage.count - count))
    }

    /// Forgets the bytes and keeps the memory.
    public func removeAll() { count = 0 }

    private func reserve(_ needed: Int) {
        guard needed > storage.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, storage.count * 2), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<count]))
        storage.deallocate()
        storage = larger
    }
}
