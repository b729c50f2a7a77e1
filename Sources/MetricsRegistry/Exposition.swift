/// What one scrape says: every value as it was when the scrape began, and the text of it, which is written piece by piece
/// as it is read.
///
/// The values of a stream take a tenth of the memory of its lines, and a piece that is sent while it is still in the
/// processor's cache costs less than a whole text that has been to memory and back. Any number of readers may share one
/// exposition; each of them reads the same bytes.
public final class Exposition: Sendable {
    enum Content: Sendable {
        case snapshot(Snapshot)
        case ready(ExpositionBuffer)
    }

    let content: Content
    /// Called with the nanoseconds that the values and the text took, when a reader has come to the end.
    let onEnd: (@Sendable (Int64) -> Void)?

    init(_ snapshot: Snapshot, onEnd: (@Sendable (Int64) -> Void)? = nil) {
        content = .snapshot(snapshot)
        self.onEnd = onEnd
    }

    /// An exposition of text that is there already. Nothing may be encoded into `text` any more.
    public init(_ text: ExpositionBuffer) {
        content = .ready(text)
        onEnd = nil
    }

    /// How many bytes the whole text has.
    public var count: Int {
        switch content {
        case .snapshot(let snapshot): snapshot.byteCount
        case .ready(let text): text.count
        }
    }
}
