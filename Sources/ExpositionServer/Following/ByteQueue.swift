// The unsafe pointer is libmicrohttpd's room for a part of a response, with its length, and for the call alone.

/// Bytes that go in at the end and come out at the front. Memory is kept to about twice what is queued.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    mutating func append(_ more: [UInt8]) {
        if start > 4096, start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// Puts bytes before everything else.
    mutating func prepend(_ first: [UInt8]) {
        bytes = first + bytes[start...]
        start = 0
    }

    /// Moves bytes into `room`, as many as fit; returns their number.
    mutating func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        let moved = min(room.count, count)
        room.copyBytes(from: bytes[start..<start + moved])
        start += moved
        if start == bytes.count {
            // A burst must not hold its memory for ever.
            if bytes.capacity > 64 * 1024 { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
            start = 0
        }
        return moved
    }
}
