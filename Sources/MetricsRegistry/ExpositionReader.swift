// Unsafe pointers, because a bounds check for each part of a line costs as much as the line. What is read is held by the
// exposition; what is written to has room, as is said at each.

internal import Glibc

/// Reads the text of an exposition from its beginning to its end. One thread at a time.
public final class ExpositionReader {
    private let exposition: Exposition
    // Where the next line is.
    private var table = 0
    private var family = 0
    /// The group; -1 where the header of the family comes first.
    private var row = -1
    private var isAtEnd = false
    /// What has been written already and did not fit, or is too small to be written in place.
    private let spill = ExpositionBuffer()
    private var spillRead = 0
    /// How much has been read.
    private var position = 0
    private var duration: Int64

    /// A reader that is at the beginning of `exposition`.
    public init(_ exposition: Exposition) {
        self.exposition = exposition
        if case .snapshot(let snapshot) = exposition.content {
            duration = snapshot.duration
        } else {
            duration = 0
        }
    }

    /// Fills `buffer` with the next bytes; returns how many. Fewer than there is room for, or none, are the last.
    public func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let start = buffer.baseAddress else { return 0 }
        switch exposition.content {
        case .ready(let text):
            let count = min(buffer.count, text.count - position)
            if count > 0, let source = text.bytes.baseAddress {
                start.copyMemory(from: source + position, byteCount: count)
                position += count
            }
            return count
        case .snapshot(let snapshot):
            let began = Clock.nanoseconds()
            let count = write(snapshot, at: start, end: start + buffer.count) - start
            duration += Clock.nanoseconds() - began
            position += count
            // Who knows how long the text is doesn't ask whether anything follows.
            if count > 0, position == exposition.count { exposition.onEnd?(duration) }
            return count
        }
    }

    private func write(
        _ snapshot: Snapshot, at start: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var cursor = start
        while cursor < end {
            if spillRead < spill.count, let source = spill.bytes.baseAddress {
                let count = min(end - cursor, spill.count - spillRead)
                cursor.copyMemory(from: source + spillRead, byteCount: count)
                cursor += count
                spillRead += count
            } else if !isAtEnd {
                cursor = writeLines(snapshot, at: cursor, end: end)
            } else {
                break
            }
        }
        return cursor
    }

    /// Writes what has room, and spills what is next.
    private func writeLines(
        _ snapshot: Snapshot, at start: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        spill.removeAll()
        spillRead = 0
        guard table < snapshot.tables.count else {
            isAtEnd = true
            let last = Snapshot.openMetricsEnd
            if snapshot.kind == .openMetrics {
                spill.append(UnsafeRawBufferPointer(start: last.utf8Start, count: last.utf8CodeUnitCount))
            }
            return start
        }
        let current = snapshot.tables[table]
        let text = current.layout.text
        guard row >= 0 else {
            let header = text.families[family].header(snapshot.kind)
            spill.append(UnsafeRawBufferPointer(start: text.bytes.start + header.lowerBound, count: header.count))
            row = 0
            return start
        }
        let writer = LineWriter(current, text.families[family])
        var cursor = start
        row = writer.write(from: row, at: &cursor, end: end)
        if row < current.count {
            var target = spill.reserve(writer.room(for: row))
            let limit = target + writer.room(for: row)
            row = writer.write(from: row, to: row + 1, at: &target, end: limit)
            spill.commit(target)
        }
        if row == current.count {
            row = -1
            family += 1
            if family == text.families.count {
                family = 0
                table += 1
            }
        }
        return cursor
    }
}
