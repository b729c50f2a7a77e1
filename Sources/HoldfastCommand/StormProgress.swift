import Foundation

/// A bar on standard error while a person waits: only where that is a terminal, and only once it takes longer than a
/// moment.
final class StormProgress {
    private let isShown = isatty(STDERR_FILENO) == 1
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private var drawn: ContinuousClock.Instant
    private var hasDrawn = false

    init() {
        began = clock.now
        drawn = began
    }

    /// Tells how far the run `run` (from 0) of `count` is.
    func show(run: Int, of count: Int, back: Double, time: Double) {
        guard isShown else { return }
        let now = clock.now
        guard now - began > .seconds(1), now - drawn > .milliseconds(100) else { return }
        drawn = now
        hasDrawn = true
        let cells = 30
        let done = (Double(run) + max(back, time)) / Double(count)
        let full = min(cells, Int(done * Double(cells)))
        let bar = String(repeating: "#", count: full) + String(repeating: ".", count: cells - full)
        write("\r[\(bar)] run \(run + 1) of \(count), \(Int(back * 100)) % back\u{1B}[K")
    }

    /// Takes the bar away.
    func clear() {
        if hasDrawn { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// The columns of the terminal on standard output; nil where it is none.
    static var columns: Int? {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return min(300, max(80, Int(size.ws_col)))
    }
}
