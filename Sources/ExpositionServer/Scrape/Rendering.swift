import MetricsRegistry
import Synchronization

/// The metrics of one moment, in one format, for all responses that send them.
final class Rendering: Sendable {
    enum Content: Sendable {
        /// Values noted; each response writes its text as it sends it.
        case plain(Exposition)
        /// The compressed text, which goes back to its pool with the last response.
        case compressed(ExpositionBuffer, BufferPool)
    }

    /// How many there are.
    final class Census: Sendable {
        fileprivate let renderings = Atomic(0)

        var count: Int { renderings.load(ordering: .relaxed) }
    }

    let content: Content
    /// When the values were noted.
    let noted: MonotonicTime
    private let census: Census

    init(_ content: Content, noted: MonotonicTime, census: Census) {
        self.content = content
        self.noted = noted
        self.census = census
        census.renderings.add(1, ordering: .relaxed)
    }

    deinit {
        if case .compressed(let buffer, let pool) = content { pool.give(buffer) }
        census.renderings.subtract(1, ordering: .relaxed)
    }
}
