import MetricsRegistry

/// Buffers that are used again: with a fresh allocation the kernel has to hand over each page anew.
final class BufferPool: Sendable {
    private let free = Monitor<[ExpositionBuffer]>([])
    private let keep: Int

    /// At most `keep` unused buffers are kept.
    init(keep: Int) { self.keep = keep }

    /// An empty buffer.
    func take() -> ExpositionBuffer {
        let buffer = free.withLock { $0.popLast() } ?? ExpositionBuffer()
        buffer.removeAll()
        return buffer
    }

    /// Nobody reads the buffer any more.
    func give(_ buffer: ExpositionBuffer) {
        free.withLock { if $0.count < keep { $0.append(buffer) } }
    }
}
